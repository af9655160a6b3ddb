/// The query of `POST /api/v1/keys/NAME:import`; the material, or the blob that holds it, is the body.
package struct ImportRequest: Hashable, Sendable {
  package enum Format: String, CaseIterable, Hashable, Sendable {
    /// The key's own bytes: symmetric keys and `opaque`.
    case raw
    /// PKCS#8 DER, unencrypted: key pairs.
    case pkcs8
  }

  package let format: Format
  /// The attributes of a new key; nil when the material becomes a new version of a key that exists.
  package let newKey: CreateKeyRequest?
  /// How the body is wrapped; nil for material in the clear.
  package let wrapping: ImportWrapping?

  package init(format: Format, newKey: CreateKeyRequest?, wrapping: ImportWrapping? = nil) {
    self.format = format
    self.newKey = newKey
    self.wrapping = wrapping
  }
}
