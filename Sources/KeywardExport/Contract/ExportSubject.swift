package import KeywardModel

/// What the rules need to know about a key; never its material.
package struct ExportSubject: Hashable, Sendable {
  package let type: KeyType
  /// The length of raw material in bytes; nil for key pairs.
  package let byteCount: Int?

  /// A key of `type`; a nil `byteCount` of a symmetric key stands for the length Keyward generates.
  package init(_ type: KeyType, byteCount: Int? = nil) {
    self.type = type
    self.byteCount = type.isKeyPair ? nil : byteCount ?? type.generatedByteCount
  }

  /// What goes into the envelope.
  package var form: MaterialForm { type.isKeyPair ? .pkcs8 : .raw }
}

/// The two forms of material that all providers take.
package enum MaterialForm: String, Sendable, Codable {
  /// The bytes of a symmetric or HMAC key.
  case raw
  /// DER PrivateKeyInfo (RFC 5208): unencrypted, named curve, `rsaEncryption`.
  case pkcs8
}

/// Kinds of keys that the rules treat alike.
package enum KeyFamily: String, Sendable, CaseIterable {
  case symmetric
  case mac
  case rsa
  case curve
}
