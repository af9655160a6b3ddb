import KeywardCrypto
import Testing

@Suite
struct HMACTests {
  @Test(arguments: [HashFunction.sha256, .sha384, .sha512])
  func partsAreJoined(function: HashFunction) throws {
    let key = try HMACKey(function, key: secret([1, 2, 3]))
    #expect(key.authenticate([1, 2], [], [3]) == key.authenticate([1, 2, 3]))
    #expect(key.authenticate([1, 2, 3]).count == function.digestLength)
    #expect(Digest.sha256([1, 2], [], [3]) == Digest.sha256([1, 2, 3]))
  }

  @Test(arguments: [HashFunction.sha1, .sha224, .sha512_224, .sha512_256])
  func otherFunctionsAreRefused(function: HashFunction) throws {
    let key = try secret([1])
    #expect(throws: CryptoError.self) { _ = try HMAC.authenticate(function, key: key, []) }
    #expect(throws: CryptoError.self) {
      _ = try HKDF.derive(function, key: key, salt: [], info: [], count: 1)
    }
  }

  @Test
  func tagsAreWhole() throws {
    let key = try HMACKey(.sha256, key: secret([1]))
    let tag = key.authenticate([5])
    #expect(key.verify([5], tag: tag))
    #expect(!key.verify([5], tag: Array(tag.dropLast())))
    #expect(!key.verify([5], tag: tag + [0]))
    #expect(!key.verify([5], tag: []))
    #expect(!key.verify([6], tag: tag))
  }

  @Test(arguments: [(0, true), (1, true), (8160, true), (8161, false), (-1, false)])
  func expansionLength(count: Int, fits: Bool) throws {
    let key = try secret([UInt8](repeating: 1, count: 32))
    guard fits else {
      #expect(throws: CryptoError.self) {
        _ = try HKDF.expand(.sha256, prk: key, info: [], count: count)
      }
      return
    }
    let derived = try HKDF.expand(.sha256, prk: key, info: [], count: count)
    #expect(derived.count == count)
  }

  /// One prepared key, many threads.
  @Test
  func manyThreads() async throws {
    let key = try HMACKey(.sha256, key: secret([1]))
    let expected = key.authenticate([9, 9])
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<1000 { #expect(key.authenticate([9], [9]) == expected) }
        }
      }
    }
  }
}
