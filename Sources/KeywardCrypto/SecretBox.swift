/// Secret bytes that several owners share, and nobody can change.
package final class SecretBox: Sendable {
  package let bytes: SecretBytes

  package init(_ bytes: consuming SecretBytes) {
    self.bytes = bytes
  }
}
