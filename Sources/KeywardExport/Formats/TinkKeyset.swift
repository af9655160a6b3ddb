package import KeywardCrypto
package import KeywardModel

/// A Tink keyset of one key, clear or under an AES-256-GCM key, written within the arena.
package enum TinkKeyset {
  /// `{"primaryKeyId":…}` in the clear: whoever reads the file has the key.
  package static func clear(
    _ material: borrowing SecretBytes,
    _ type: KeyType,
    id: UInt32
  ) throws(ExportRefusal) -> SecretBytes {
    try FileFormat.tinkClear.check(ExportSubject(type, byteCount: material.count))
    do throws(CryptoError) {
      let form = try form(type)
      var out = try SecretWriter(capacity: 1024)
      try out.append(
        Array(
          ("{\"primaryKeyId\":\(id),\"key\":[{\"keyData\":{\"typeUrl\":\"\(form.url)\",\"value\":\"")
            .utf8
        )
      )
      try out.appendBase64(value(material, type), .standard)
      try out.append(
        Array(
          ("\",\"keyMaterialType\":\"\(form.isPair ? "ASYMMETRIC_PRIVATE" : "SYMMETRIC")\"},"
            + "\"status\":\"ENABLED\",\"keyId\":\(id),\"outputPrefixType\":\"TINK\"}]}").utf8
        )
      )
      return try out.finish()
    } catch {
      throw ExportRefusal(error)
    }
  }

  /// `{"encryptedKeyset":…,"keysetInfo":…}` under an AES-256 key, which Tink takes as a raw AES-GCM
  /// AEAD with a 12-byte nonce in front.
  package static func encrypted(
    _ material: borrowing SecretBytes,
    _ type: KeyType,
    id: UInt32,
    under kek: borrowing SecretBytes,
    associatedData: [UInt8] = []
  ) throws(ExportRefusal) -> [UInt8] {
    try FileFormat.tink.check(ExportSubject(type, byteCount: material.count))
    do throws(CryptoError) {
      guard kek.count == 32 else { throw .invalidKey("a keyset is under a key of 32 bytes") }
      let form = try form(type)
      let keyset = try binary(material, type, form, id)
      let nonce = try RandomSource.bytes(AEAD.nonceLength)
      let sealed = try AEAD.seal(
        .aes256GCM,
        key: kek,
        nonce: nonce,
        aad: associatedData,
        plaintext: keyset
      )
      let info = JSONText.object([
        ("primaryKeyId", .integer(Int64(id))),
        (
          "keyInfo",
          .array([
            .object([
              ("typeUrl", .string(form.url)), ("status", .string("ENABLED")),
              ("keyId", .integer(Int64(id))), ("outputPrefixType", .string("TINK")),
            ])
          ])
        ),
      ])
      let file = JSONText.object([
        ("encryptedKeyset", .string(Base64.encode(nonce + sealed))), ("keysetInfo", info),
      ]).bytes
      guard try open(file, under: kek, associatedData: associatedData).constantTimeEquals(keyset)
      else { throw .selfTestFailed("Tink") }
      return file
    } catch {
      throw ExportRefusal(error)
    }
  }

  /// The binary keyset in an encrypted one, as it is tried before it leaves; all that is wrong is
  /// `authenticationFailed`.
  package static func open(
    _ file: [UInt8],
    under kek: borrowing SecretBytes,
    associatedData: [UInt8] = []
  ) throws(CryptoError) -> SecretBytes {
    guard let text = (try? StrictJSON.object(file))?["encryptedKeyset"]?.text,
      let bytes = Base64.decode(text), bytes.count >= AEAD.nonceLength + AEAD.tagLength
    else { throw .authenticationFailed }
    return try AEAD.open(
      .aes256GCM,
      key: kek,
      nonce: Array(bytes.prefix(AEAD.nonceLength)),
      aad: associatedData,
      ciphertext: Array(bytes.dropFirst(AEAD.nonceLength))
    )
  }

  private struct Form {
    let url: String
    let isPair: Bool
  }

  private static func form(_ type: KeyType) throws(CryptoError) -> Form {
    let name: String
    switch type {
    case .aes128, .aes256: name = "AesGcmKey"
    case .hmacSHA256, .hmacSHA384, .hmacSHA512: name = "HmacKey"
    case .ed25519: name = "Ed25519PrivateKey"
    case .ecP256, .ecP384, .ecP521: name = "EcdsaPrivateKey"
    default: throw .invalidInput("no key of Tink")
    }
    return Form(url: "type.googleapis.com/google.crypto.tink.\(name)", isPair: type.isKeyPair)
  }

  /// The Keyset message (tink.proto).
  private static func binary(
    _ material: borrowing SecretBytes,
    _ type: KeyType,
    _ form: Form,
    _ id: UInt32
  ) throws(CryptoError) -> SecretBytes {
    let value = try value(material, type)
    let url = Array(form.url.utf8)
    let afterValue: [UInt8] = [0x18, form.isPair ? 2 : 1]
    let dataLength =
      1 + varint(UInt64(url.count)).count + url.count + 1
      + varint(UInt64(value.count)).count + value.count + afterValue.count
    // Status ENABLED, key id, prefix TINK.
    let afterData: [UInt8] = [0x10, 1, 0x18] + varint(UInt64(id)) + [0x20, 1]
    let keyLength = 1 + varint(UInt64(dataLength)).count + dataLength + afterData.count
    var out = try SecretWriter(capacity: 512)
    try out.append([0x08] + varint(UInt64(id)) + [0x12] + varint(UInt64(keyLength)))
    try out.append([0x0a] + varint(UInt64(dataLength)) + bytes(1, url))
    try out.append([0x12] + varint(UInt64(value.count)))
    try out.append(value)
    try out.append(afterValue + afterData)
    return try out.finish()
  }

  /// The message of the key itself (aes_gcm.proto, hmac.proto, ed25519.proto, ecdsa.proto).
  private static func value(
    _ material: borrowing SecretBytes,
    _ type: KeyType
  ) throws(CryptoError) -> SecretBytes {
    var out = try SecretWriter(capacity: 512)
    switch type {
    case .aes128, .aes256:
      try secret(3, material, &out)
    case .hmacSHA256, .hmacSHA384, .hmacSHA512:
      // HashType of common.proto, and the whole output as tag.
      let (hash, size): (UInt8, UInt8) =
        type == .hmacSHA256 ? (3, 32) : type == .hmacSHA384 ? (2, 48) : (4, 64)
      try out.append(bytes(2, [0x08, hash, 0x10, size]))
      try secret(3, material, &out)
    case .ed25519:
      let key = try PrivateKey(pkcs8: material, expecting: .ed25519)
      try secret(2, key.rawPrivateKey(), &out)
      try out.append(bytes(3, bytes(2, key.publicKey().raw())))
    default:
      let key = try PrivateKey(pkcs8: material, expecting: type.keyPairAlgorithm)
      guard let length = key.algorithm.fieldLength else { throw .invalidInput("no key of Tink") }
      // Hash and curve by their numbers in common.proto; DER signatures.
      let (hash, curve): (UInt8, UInt8) =
        type == .ecP256 ? (3, 2) : type == .ecP384 ? (2, 3) : (4, 4)
      let point = try key.publicKey().raw()
      let publicKey =
        bytes(2, [0x08, hash, 0x10, curve, 0x18, 2]) + bytes(3, Array(point[1...length]))
        + bytes(4, Array(point[(length + 1)...]))
      try out.append(bytes(2, publicKey))
      try secret(3, key.rawPrivateKey(), &out)
    }
    return try out.finish()
  }

  private static func secret(
    _ field: UInt8,
    _ value: borrowing SecretBytes,
    _ out: inout SecretWriter
  ) throws(CryptoError) {
    try out.append([field << 3 | 2] + varint(UInt64(value.count)))
    try out.append(value)
  }

  private static func bytes(_ field: UInt8, _ value: [UInt8]) -> [UInt8] {
    [field << 3 | 2] + varint(UInt64(value.count)) + value
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var out: [UInt8] = []
    repeat {
      let byte = UInt8(truncatingIfNeeded: rest & 127)
      rest >>= 7
      out.append(rest > 0 ? byte | 128 : byte)
    } while rest > 0
    return out
  }
}
