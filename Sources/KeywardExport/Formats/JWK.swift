package import KeywardCrypto
package import KeywardModel

/// Keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037, RFC 8812), written and read within the arena.
package enum JWK {
  /// Writes the key of `material`, which has the form of `ExportMaterial.canonical`.
  package static func write(
    _ material: borrowing SecretBytes,
    _ type: KeyType,
    kid: String
  ) throws(ExportRefusal) -> SecretBytes {
    let head = JSONText.string(kid).bytes
    do throws(CryptoError) {
      var out = try SecretWriter(capacity: type.isKeyPair ? 4096 : 512)
      guard type.isKeyPair else {
        try out.append(#"{"kty":"oct","kid":"#)
        try out.append(head)
        if let algorithm = algorithm(type) {
          try text("alg", algorithm, &out)
        }
        try member("k", material, &out)
        try out.append("}")
        return try out.finish()
      }
      let key = try PrivateKey(pkcs8: material, expecting: type.keyPairAlgorithm)
      let kind: String
      switch key.algorithm {
      case .rsa: kind = "RSA"
      case .ed25519, .x25519: kind = "OKP"
      default: kind = "EC"
      }
      try out.append(Array("{\"kty\":\"\(kind)\",\"kid\":".utf8) + head)
      if key.algorithm.isRSA {
        for number in PrivateKey.RSANumber.allCases {
          try member(number.rawValue, key.number(number), &out)
        }
      } else {
        try out.append(Array(",\"crv\":\"\(curve(key.algorithm))\"".utf8))
        let point = try key.publicKey().raw()
        if let length = key.algorithm.fieldLength {
          try text("x", Base64.encodeURL(Array(point[1...length])), &out)
          try text("y", Base64.encodeURL(Array(point[(length + 1)...])), &out)
        } else {
          try text("x", Base64.encodeURL(point), &out)
        }
        try member("d", key.rawPrivateKey(), &out)
      }
      try out.append("}")
      return try out.finish()
    } catch {
      throw ExportRefusal(error)
    }
  }

  private static func member(
    _ name: String,
    _ value: borrowing SecretBytes,
    _ out: inout SecretWriter
  ) throws(CryptoError) {
    try out.append(Array(",\"\(name)\":\"".utf8))
    try out.appendBase64(value, .url)
    try out.append("\"")
  }

  private static func text(
    _ name: String,
    _ value: String,
    _ out: inout SecretWriter
  ) throws(CryptoError) {
    try out.append(Array(",\"\(name)\":\"\(value)\"".utf8))
  }

  private static func algorithm(_ type: KeyType) -> String? {
    switch type {
    case .aes128: "A128GCM"
    case .aes256: "A256GCM"
    case .hmacSHA256: "HS256"
    case .hmacSHA384: "HS384"
    case .hmacSHA512: "HS512"
    default: nil
    }
  }

  static func curve(_ algorithm: AsymmetricAlgorithm) -> String {
    switch algorithm {
    case .p256: "P-256"
    case .p384: "P-384"
    case .p521: "P-521"
    case .secp256k1: "secp256k1"
    case .ed25519: "Ed25519"
    case .x25519: "X25519"
    case .rsa: ""
    }
  }

  /// What a JWK holds.
  package struct Content: Sendable {
    /// Nil for `oct`: which algorithm the bytes are for, the importer says.
    package let type: KeyType?
    /// Raw bytes, or canonical PKCS#8.
    package let material: SecretBox
    /// What it says of its use.
    package let purpose: Purpose
  }

  /// The longest text that is read, in bytes.
  package static let maximumLength = 16 << 10

  /// Reads a private or symmetric JWK.
  ///
  /// Numbers must be in base64url without padding, RSA keys with their primes (RFC 7518 §6.3.2), and
  /// the public half must belong to the private one. Unknown members are stepped over; none is there
  /// twice.
  package static func read(_ text: borrowing SecretBytes) throws(ExportRefusal) -> Content {
    guard text.count <= maximumLength else { throw invalid("it is too long") }
    let members: SecretFields.Members
    do throws(SecretFields.Failure) {
      members = try SecretFields.readAll(
        texts: [
          "kty", "crv", "k", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "use", "alg",
        ],
        lists: ["key_ops"],
        in: text
      )
    } catch {
      throw invalid("the JSON \(error.reason)")
    }
    let fields = members.texts
    do throws(CryptoError) {
      let purpose = try Purpose(members)
      if matches(fields["kty"], "oct") {
        let bytes = try number("k", fields)
        guard bytes.count > 0 else { throw .invalidKey("'k' is empty") }
        return Content(type: nil, material: SecretBox(bytes), purpose: purpose)
      }
      let key: PrivateKey
      if matches(fields["kty"], "RSA") {
        key = try rsa(fields)
      } else if matches(fields["kty"], "EC") {
        key = try curveKey(fields)
      } else if matches(fields["kty"], "OKP") {
        key = try edwards(fields)
      } else {
        throw .invalidKey("its 'kty' is not known")
      }
      guard let type = KeyType.allCases.first(where: { $0.keyPairAlgorithm == key.algorithm })
      else { throw .invalidKey("no type of Keyward's keys") }
      return Content(
        type: type,
        material: SecretBox(
          key.algorithm.isEllipticCurve ? try CurvePKCS8.encode(key) : try key.pkcs8()
        ),
        purpose: purpose
      )
    } catch .invalidKey(let words) {
      throw invalid(words)
    } catch {
      throw ExportRefusal(error)
    }
  }

  static func invalid(_ words: String) -> ExportRefusal {
    ExportRefusal(.keyInvalid, "The JWK cannot be used: \(words).")
  }

  private static func matches(_ field: SecretBox?, _ text: String) -> Bool {
    guard let field else { return false }
    return field.bytes.withUnsafeBytes { $0.elementsEqual(text.utf8) }
  }

  private static func number(
    _ name: String,
    _ fields: [String: SecretBox]
  ) throws(CryptoError) -> SecretBytes {
    guard let field = fields[name], let bytes = try SecretBase64.decodeURL(field.bytes) else {
      throw .invalidKey("'\(name)' is not there, or not base64url without padding")
    }
    return bytes
  }

  private static func rsa(_ fields: [String: SecretBox]) throws(CryptoError) -> PrivateKey {
    // RSAPrivateKey of RFC 8017 appendix A.1.2, version 0: two primes.
    var inner = try SecretWriter(capacity: 4096)
    try inner.append([0x02, 1, 0])
    for name in PrivateKey.RSANumber.allCases {
      let bytes = try number(name.rawValue, fields)
      let first = bytes.withUnsafeBytes { $0.first } ?? 0
      guard first != 0, bytes.count <= 1024 else {
        throw .invalidKey("'\(name.rawValue)' has leading zeros or is too long")
      }
      let sign: [UInt8] = first >= 0x80 ? [0] : []
      try inner.append(DER.head(0x02, bytes.count + sign.count) + sign)
      try inner.append(bytes)
    }
    let numbers = try inner.finish()
    // rsaEncryption with NULL.
    let identifier: [UInt8] = [
      0x02, 1, 0, 0x30, 0x0d, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0,
    ]
    let sequence = DER.head(0x30, numbers.count)
    let octets = DER.head(0x04, sequence.count + numbers.count)
    var out = try SecretWriter(capacity: numbers.count + 64)
    try out.append(
      DER.head(0x30, identifier.count + octets.count + sequence.count + numbers.count)
        + identifier + octets + sequence
    )
    try out.append(numbers)
    let key = try PrivateKey(pkcs8: out.finish())
    guard key.algorithm.isRSA else { throw .invalidKey("not an RSA key") }
    return key
  }

  private static func curveKey(_ fields: [String: SecretBox]) throws(CryptoError) -> PrivateKey {
    let curves: [AsymmetricAlgorithm] = [.p256, .p384, .p521, .secp256k1]
    guard let algorithm = curves.first(where: { matches(fields["crv"], curve($0)) }),
      let length = algorithm.fieldLength
    else { throw .invalidKey("its 'crv' is not known") }
    let scalar = try number("d", fields)
    let x = try number("x", fields)
    let y = try number("y", fields)
    guard scalar.count == length, x.count == length, y.count == length else {
      throw .invalidKey("'x', 'y' and 'd' must have \(length) bytes")
    }
    // The coordinates of the point are public.
    let point = [4] + x.revealed() + y.revealed()
    return try PrivateKey(pkcs8: CurvePKCS8.encode(algorithm, scalar: scalar, point: point))
  }

  private static func edwards(_ fields: [String: SecretBox]) throws(CryptoError) -> PrivateKey {
    guard
      let algorithm = [AsymmetricAlgorithm.ed25519, .x25519].first(where: {
        matches(fields["crv"], curve($0))
      })
    else { throw .invalidKey("its 'crv' is not known") }
    let key = try PrivateKey(raw: number("d", fields), algorithm)
    let x = try number("x", fields)
    guard try x.constantTimeEquals(SecretBytes.fixture(key.publicKey().raw())) else {
      throw .invalidKey("'x' does not belong to 'd'")
    }
    return key
  }
}
