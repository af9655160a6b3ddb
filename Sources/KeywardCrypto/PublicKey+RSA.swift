import COpenSSL

extension PublicKey {
  /// Makes an RSA key of its two numbers, big-endian without leading zeros (RFC 7518 §6.3.1).
  ///
  /// The same rules as for a SubjectPublicKeyInfo; other spellings of a number are `invalidKey`.
  package convenience init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(CryptoError) {
    guard let first = modulus.first, let second = exponent.first, first != 0, second != 0,
      modulus.count <= 1024, exponent.count <= 32
    else { throw .invalidKey("RSA numbers have no leading zeros, and at most 8192 bits") }
    let rsaEncryption: [UInt8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]
    let numbers = Self.element(0x30, Self.integer(modulus) + Self.integer(exponent))
    try self.init(
      spki: Self.element(
        0x30,
        Self.element(0x30, Self.element(0x06, rsaEncryption) + [0x05, 0])
          + Self.element(0x03, [0] + numbers)
      )
    )
  }

  /// A positive DER INTEGER.
  private static func integer(_ number: [UInt8]) -> [UInt8] {
    element(0x02, number.first.map { $0 >= 0x80 ? [0] + number : number } ?? [0])
  }

  /// A DER element of less than 64 KiB.
  private static func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
    let count = contents.count
    switch count {
    case ..<128: return [tag, UInt8(count)] + contents
    case ..<256: return [tag, 0x81, UInt8(count)] + contents
    default:
      return [tag, 0x82, UInt8(count >> 8 & 255), UInt8(count & 255)] + contents
    }
  }
}
