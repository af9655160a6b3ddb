private import KeywardCrypto

/// The key that an operation used.
package struct AuditKey: Equatable, Sendable {
  /// The key's id, at most 64 bytes.
  package let id: String
  /// The version that was used or asked for.
  package let version: UInt64?
  /// The hash of the KMS `key_id`, as kube-apiserver's metrics show it.
  package let hash: KeyIDHash?

  /// Builds a key reference; the id is bounded and escaped.
  package init(id: String, version: UInt64? = nil, hash: KeyIDHash? = nil) {
    self.init(
      verbatim: AuditText.keyID.bounded(id),
      version: version.map(AuditNumber.clamped),
      hash: hash
    )
  }

  init(verbatim id: String, version: UInt64?, hash: KeyIDHash?) {
    self.id = id
    self.version = version
    self.hash = hash
  }
}

/// `sha256:` and 64 hexadecimal digits: the form of the `key_id_hash` label of kube-apiserver's
/// metric `apiserver_envelope_encryption_key_id_hash_total`.
package struct KeyIDHash: Equatable, Sendable {
  /// The whole text, 71 bytes.
  package let text: String

  /// Hashes a KMS v2 `key_id` (its UTF-8 bytes).
  package init(keyID: String) {
    text = "sha256:" + Hex.text(Digest.sha256(Array(keyID.utf8)))
  }

  init?(parsing text: String) {
    let bytes = Array(text.utf8)
    guard bytes.starts(with: Array("sha256:".utf8)), let digest = Hex.bytes(bytes.dropFirst(7)),
      digest.count == MerkleTree.hashSize
    else { return nil }
    self.text = text
  }
}
