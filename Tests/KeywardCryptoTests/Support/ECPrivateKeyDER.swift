import KeywardCrypto

/// Writes PKCS #8 for a scalar, without the public point (RFC 5915, RFC 5208).
struct ECPrivateKeyDER {
  let algorithm: AsymmetricAlgorithm
  private let curveOID: [UInt8]

  init?(curve: String) {
    switch curve {
    case "secp256r1": (algorithm, curveOID) = (.p256, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7])
    case "secp384r1": (algorithm, curveOID) = (.p384, [0x2B, 0x81, 4, 0, 0x22])
    case "secp521r1": (algorithm, curveOID) = (.p521, [0x2B, 0x81, 4, 0, 0x23])
    case "secp256k1": (algorithm, curveOID) = (.secp256k1, [0x2B, 0x81, 4, 0, 0x0A])
    default: return nil
    }
  }

  /// `scalar` is big-endian, with any number of leading zeros.
  func pkcs8(_ scalar: [UInt8]) -> [UInt8] {
    let length = algorithm.fieldLength ?? 0
    let digits = Array(scalar.drop { $0 == 0 })
    let padded = [UInt8](repeating: 0, count: max(0, length - digits.count)) + digits
    let inner = tlv(0x30, tlv(2, [1]) + tlv(4, padded))
    let ecPublicKey: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]
    return tlv(
      0x30,
      tlv(2, [0]) + tlv(0x30, tlv(6, ecPublicKey) + tlv(6, curveOID)) + tlv(4, inner)
    )
  }
}

/// A DER element: tag, length, contents.
func tlv(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
  let count = contents.count
  switch count {
  case ..<128: return [tag, UInt8(count)] + contents
  case ..<256: return [tag, 0x81, UInt8(count)] + contents
  default: return [tag, 0x82, UInt8(count >> 8), UInt8(count & 255)] + contents
  }
}

/// Walks over well-formed DER.
struct DERCursor {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func next() -> (whole: ArraySlice<UInt8>, contents: ArraySlice<UInt8>) {
    let start = rest.startIndex
    var header = 2
    var length = Int(rest[start + 1])
    if length > 0x80 {
      header += length - 0x80
      length = rest[(start + 2)..<(start + header)].reduce(0) { $0 << 8 | Int($1) }
    }
    let end = start + header + length
    defer { rest = rest[end...] }
    return (rest[start..<end], rest[(start + header)..<end])
  }
}
