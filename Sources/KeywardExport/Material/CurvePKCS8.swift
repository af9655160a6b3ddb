import KeywardCrypto

/// The PKCS#8 form of keys on curves: named curve, and the public point always there.
///
/// Written here because libcrypto keeps the point away when the key came without one, and because
/// providers differ in what they make of such keys (RFC 5915 §3).
enum CurvePKCS8 {
  static func encode(_ key: PrivateKey) throws(CryptoError) -> SecretBytes {
    let scalar = try key.rawPrivateKey()
    return try encode(key.algorithm, scalar: scalar, point: key.publicKey().raw())
  }

  /// The form of a scalar in full width and an uncompressed point, which are not checked.
  static func encode(
    _ algorithm: AsymmetricAlgorithm,
    scalar: borrowing SecretBytes,
    point: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    guard let curve = algorithm.curveIdentifier, scalar.count == algorithm.fieldLength else {
      throw .invalidInput("not a curve")
    }
    // ecPublicKey, 1.2.840.10045.2.1.
    let identifier = DER.element(
      0x30,
      DER.element(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]) + DER.element(0x06, curve)
    )
    let version1: [UInt8] = [0x02, 1, 1]
    let version0: [UInt8] = [0x02, 1, 0]
    let scalarHead = DER.head(0x04, scalar.count)
    let publicPart = DER.element(0xa1, DER.element(0x03, [0] + point))
    let innerLength = version1.count + scalarHead.count + scalar.count + publicPart.count
    let innerHead = DER.head(0x30, innerLength)
    let octetsLength = innerHead.count + innerLength
    let octetsHead = DER.head(0x04, octetsLength)
    let outer = DER.head(
      0x30,
      version0.count + identifier.count + octetsHead.count + octetsLength
    )
    var out = try SecretWriter(capacity: 256)
    try out.append(outer + version0 + identifier + octetsHead + innerHead + version1 + scalarHead)
    try out.append(scalar)
    try out.append(publicPart)
    return try out.finish()
  }
}

/// Definite-length DER of public values.
enum DER {
  static func head(_ tag: UInt8, _ count: Int) -> [UInt8] {
    switch count {
    case ..<128: [tag, UInt8(count)]
    case ..<256: [tag, 0x81, UInt8(count)]
    default: [tag, 0x82, UInt8(count >> 8 & 255), UInt8(count & 255)]
    }
  }

  static func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    head(tag, contents.count) + contents
  }
}

extension AsymmetricAlgorithm {
  /// The content of the OID of a curve (RFC 5480 §2.1.1.1, SEC 2).
  var curveIdentifier: [UInt8]? {
    switch self {
    case .p256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
    case .p384: [0x2b, 0x81, 0x04, 0x00, 0x22]
    case .p521: [0x2b, 0x81, 0x04, 0x00, 0x23]
    case .secp256k1: [0x2b, 0x81, 0x04, 0x00, 0x0a]
    default: nil
    }
  }
}
