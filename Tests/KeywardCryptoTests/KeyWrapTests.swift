import KeywardCrypto
import Testing

@Suite
struct KeyWrapTests {
  /// OpenSSL wraps an empty key, and unwraps 8 bytes to one.
  @Test(arguments: [0, 1, 7, 8, 9, 15, 17, 20, 23])
  func wrapRefusesLength(count: Int) throws {
    let kek = try SecretBytes.random(count: 32)
    let key = try SecretBytes(count: count)
    #expect(throws: CryptoError.self) { _ = try KeyWrap.wrap(kek: kek, key) }
  }

  @Test(arguments: [0, 1, 8, 15, 16, 17, 23, 25, 31])
  func unwrapRefusesLength(count: Int) throws {
    let kek = try SecretBytes.random(count: 32)
    let wrapped = [UInt8](repeating: 0xA6, count: count)
    #expect(throws: CryptoError.authenticationFailed) {
      _ = try KeyWrap.unwrap(kek: kek, wrapped)
    }
    #expect(throws: CryptoError.authenticationFailed) {
      _ = try KeyWrap.unwrapPadded(kek: kek, wrapped)
    }
  }

  @Test
  func paddedRefusesEmpty() throws {
    let kek = try SecretBytes.random(count: 32)
    let empty = try SecretBytes(count: 0)
    #expect(throws: CryptoError.self) { _ = try KeyWrap.wrapPadded(kek: kek, empty) }
  }

  @Test(arguments: [0, 8, 15, 17, 31, 33, 64])
  func kekLength(count: Int) throws {
    let kek = try SecretBytes(count: count)
    let key = try SecretBytes(count: 32)
    let wrapped = [UInt8](repeating: 0, count: 40)
    #expect(throws: CryptoError.self) { _ = try KeyWrap.wrap(kek: kek, key) }
    #expect(throws: CryptoError.self) { _ = try KeyWrap.wrapPadded(kek: kek, key) }
    #expect(throws: CryptoError.self) { _ = try KeyWrap.unwrap(kek: kek, wrapped) }
    #expect(throws: CryptoError.self) { _ = try KeyWrap.unwrapPadded(kek: kek, wrapped) }
  }

  @Test(arguments: 0..<40)
  func everyByteCounts(index: Int) throws {
    let kek = try SecretBytes.random(count: 32)
    let key = try SecretBytes.random(count: 32)
    var wrapped = try KeyWrap.wrap(kek: kek, key)
    var padded = try KeyWrap.wrapPadded(kek: kek, key)
    wrapped[index] ^= 1
    padded[index] ^= 1
    #expect(throws: CryptoError.authenticationFailed) { _ = try KeyWrap.unwrap(kek: kek, wrapped) }
    #expect(throws: CryptoError.authenticationFailed) {
      _ = try KeyWrap.unwrapPadded(kek: kek, padded)
    }
  }
}
