import KeywardModel

/// The forms in which a key is handed over as a file.
package enum FileFormat: String, CaseIterable, Sendable, Codable {
  /// RFC 7516 compact, with a JWK inside.
  case jwe
  /// RFC 5958 EncryptedPrivateKeyInfo under a password.
  case pkcs8
  /// RFC 7292 under a password.
  case pkcs12
  /// A Tink keyset in clear JSON.
  case tinkClear = "tink-clear"
  /// A Tink keyset under an AES-256-GCM key.
  case tink
  /// `CKM_AES_KEY_WRAP` (RFC 3394).
  case pkcs11KW = "pkcs11-kw"
  /// `CKM_AES_KEY_WRAP_KWP` and SoftHSM's `CKM_AES_KEY_WRAP_PAD` (RFC 5649).
  case pkcs11KWP = "pkcs11-kwp"

  /// Whether the key leaves readable for whoever holds the file.
  package var isClear: Bool { self == .tinkClear }

  /// Refuses a type of key that the form has no place for.
  package func check(_ subject: ExportSubject) throws(ExportRefusal) {
    guard !allows(subject) else { return }
    throw ExportRefusal(
      .formatNotForKey,
      "A key of type \(subject.type.rawValue) cannot be written as \(rawValue).",
      remedy: remedy
    )
  }

  private func allows(_ subject: ExportSubject) -> Bool {
    switch self {
    case .jwe, .pkcs11KWP: true
    case .pkcs8: subject.type.isKeyPair
    case .pkcs12: subject.type.isKeyPair && subject.type != .x25519
    case .tink, .tinkClear:
      switch subject.type {
      case .aes128, .aes256, .hmacSHA256, .hmacSHA384, .hmacSHA512, .ed25519, .ecP256, .ecP384,
        .ecP521:
        true
      case .chacha20Poly1305, .ecSecp256k1, .opaque, .rsa2048, .rsa3072, .rsa4096, .x25519: false
      }
    case .pkcs11KW:
      // Key pairs have PKCS#8 forms of any length.
      (subject.byteCount ?? 1) >= 16 && (subject.byteCount ?? 1) % 8 == 0
    }
  }

  private var remedy: String {
    switch self {
    case .pkcs8, .pkcs12: "Use jwe or pkcs11-kwp."
    case .tink, .tinkClear: "Use jwe."
    case .pkcs11KW: "Use pkcs11-kwp, which takes any length."
    case .jwe, .pkcs11KWP: "Use another key."
    }
  }
}
