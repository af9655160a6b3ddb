package import KeywardCrypto
package import KeywardSystem

/// What stands behind one KMS v2 socket: the service itself, or a node agent's local cache.
///
/// Every function is called on the event loop of the connection and must not block. `encrypt` and
/// `decrypt` reply exactly once, from any thread, now or later; a reply after the caller's deadline
/// is dropped. The plugin hands on every call, equal ones too, because each needs its own audit
/// entry: a backend that has to fetch something coalesces the fetch, not the calls.
package protocol KeyManagementBackend: Sendable {
  /// The key that `encrypt` uses; from memory, never from afar.
  ///
  /// An error makes the kube-apiserver stop writing after 3 minutes; it must mean "stop".
  func status(_ connection: KMSConnection) -> Result<KMSStatus, KMSFailure>

  /// Seals a seed with the key that the last `status` of this connection named.
  func encrypt(
    _ connection: KMSConnection,
    plaintext: consuming SecretBytes,
    uid: String,
    reply: @escaping @Sendable (Result<KMSEncryption, KMSFailure>) -> Void
  )

  /// Opens a ciphertext with the key that `keyID` names, also an old one, and with no other.
  func decrypt(
    _ connection: KMSConnection,
    ciphertext: [UInt8],
    keyID: String,
    annotations: [String: [UInt8]],
    uid: String,
    reply: @escaping @Sendable (Result<SecretBox, KMSFailure>) -> Void
  )
}

/// One connection of a kube-apiserver, with room for what the backend pins to it.
///
/// Unchecked: confined to the connection's event loop, where the backend is called.
package final class KMSConnection: @unchecked Sendable {
  package let peer: PeerCredentials
  /// Unique in the life of the socket's server.
  package let id: UInt64

  /// What `status` gave last on this connection, so that the `encrypt` that follows agrees with it.
  package var pinned: (any Sendable)?

  package init(peer: PeerCredentials, id: UInt64) {
    self.peer = peer
    self.id = id
  }
}
