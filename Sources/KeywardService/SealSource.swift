package import KeywardCrypto
package import KeywardKeyring
package import KeywardModel

/// Where the secret of an automatic seal comes from: a key file or a systemd credential.
///
/// The path is in the server's configuration, never in a request (a path over the API would let a
/// caller choose what the server reads).
package struct SealSource: Sendable {
  /// The kind of seal that it opens: `.keyFile` or `.systemdCredential`.
  package let kind: KeywardKeyring.SealKind
  /// Reads the secret afresh, or says which file is missing or open to others.
  package let read: @Sendable () -> Result<SecretBox, ServiceError>

  package init(
    kind: KeywardKeyring.SealKind,
    read: @escaping @Sendable () -> Result<SecretBox, ServiceError>
  ) {
    self.kind = kind
    self.read = read
  }
}
