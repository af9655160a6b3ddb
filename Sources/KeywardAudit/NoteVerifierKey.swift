package import KeywardCrypto

/// The name and Ed25519 public key that sign notes (C2SP signed-note, signature type 0x01).
package struct NoteVerifierKey: Sendable {
  /// The key's name: the log's origin.
  package let name: String
  /// The first four bytes of SHA-256(name || 0x0A || 0x01 || public key).
  package let keyID: [UInt8]
  /// The 32 bytes of the public key (RFC 8032).
  package let rawKey: [UInt8]
  let publicKey: PublicKey

  /// The most bytes of a name.
  package static let maximumName = 256

  /// Takes a public key, which must be Ed25519.
  package init(name: String, publicKey: PublicKey) throws(AuditError) {
    guard publicKey.algorithm == .ed25519 else { throw .malformedKey("not an Ed25519 key") }
    let rawKey: [UInt8]
    do { rawKey = try publicKey.raw() } catch { throw .crypto(error) }
    try self.init(name: name, rawKey: rawKey, publicKey: publicKey)
  }

  /// Reads a verifier key: `name+hash+base64(0x01 || public key)`.
  ///
  /// A hash that does not fit name and key is refused: the text was damaged or mixed up.
  package init(parsing text: String) throws(AuditError) {
    let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, text.utf8.count <= Self.maximumName + 64 else {
      throw .malformedKey("expected name+hash+key")
    }
    guard let bytes = Base64.bytes(ArraySlice(parts[2].utf8)), bytes.count == 33, bytes[0] == 1
    else { throw .malformedKey("the key is not base64 of 0x01 and 32 bytes of Ed25519") }
    let rawKey = Array(bytes.dropFirst())
    let publicKey: PublicKey
    do { publicKey = try PublicKey(raw: rawKey, .ed25519) } catch { throw .crypto(error) }
    try self.init(name: String(parts[0]), rawKey: rawKey, publicKey: publicKey)
    guard Hex.text(keyID).utf8.elementsEqual(parts[1].utf8) else {
      throw .malformedKey("the hash does not fit the name and key")
    }
  }

  private init(name: String, rawKey: [UInt8], publicKey: PublicKey) throws(AuditError) {
    guard SignedNote.isKeyName(name) else {
      throw .malformedKey("a name has 1 to 256 bytes, no space, no plus, no control character")
    }
    self.name = name
    self.rawKey = rawKey
    self.publicKey = publicKey
    keyID = Array(Digest.sha256(Array(name.utf8) + [0x0a, 0x01] + rawKey).prefix(4))
  }

  /// The verifier key as text, as Go's `golang.org/x/mod/sumdb/note` reads it.
  package var text: String {
    "\(name)+\(Hex.text(keyID))+\(Base64.text([1] + rawKey))"
  }
}

/// Signs notes with an Ed25519 private key.
package struct NoteSigner: Sendable {
  /// What verifies the signatures.
  package let verifierKey: NoteVerifierKey
  private let privateKey: PrivateKey

  /// Takes the key's name, for checkpoints the log's origin, and an Ed25519 key.
  package init(name: String, privateKey: PrivateKey) throws(AuditError) {
    let publicKey: PublicKey
    do { publicKey = try privateKey.publicKey() } catch { throw .crypto(error) }
    verifierKey = try NoteVerifierKey(name: name, publicKey: publicKey)
    self.privateKey = privateKey
  }

  /// Signs a text that ends in a newline.
  package func sign(_ text: [UInt8]) throws(AuditError) -> SignedNote {
    let signature: [UInt8]
    do { signature = try privateKey.sign(.ed25519, text) } catch { throw .crypto(error) }
    return try SignedNote(
      text: text,
      signatures: [(verifierKey.name, verifierKey.keyID + signature)]
    )
  }
}
