import KeywardCrypto
import Testing

@Suite
struct CommittingAEADTests {
  @Test(arguments: CommittingAEAD.Cipher.allCases)
  func everyBitCounts(cipher: CommittingAEAD.Cipher) throws {
    let key = try SecretBytes.random(count: cipher.keyLength)
    let salt = try CommittingAEAD.newSalt()
    let aad: [UInt8] = [1, 2, 3]
    let sealed = try CommittingAEAD.seal(
      cipher,
      key: key,
      salt: salt,
      aad: aad,
      plaintext: secret([4, 5, 6, 7])
    )
    #expect(sealed.count == 36)
    for bit in 0..<sealed.count * 8 {
      var changed = sealed
      changed[bit / 8] ^= 1 << (bit % 8)
      refused(cipher, key, salt, aad, changed)
    }
    for bit in 0..<salt.count * 8 {
      var changed = salt
      changed[bit / 8] ^= 1 << (bit % 8)
      refused(cipher, key, changed, aad, sealed)
    }
    for count in 0..<sealed.count { refused(cipher, key, salt, aad, Array(sealed[..<count])) }
    refused(cipher, key, salt, aad, sealed + [0])
    refused(cipher, key, salt, [], sealed)
    refused(cipher, key, salt, aad + [0], sealed)
  }

  /// No byte moves between associated data and body: the MAC frames them.
  @Test
  func associatedDataIsFramed() throws {
    let key = try SecretBytes.random(count: 32)
    let salt = try CommittingAEAD.newSalt()
    let sealed = try CommittingAEAD.seal(
      .aes256CTR,
      key: key,
      salt: salt,
      aad: [1, 2],
      plaintext: secret([3, 4])
    )
    refused(.aes256CTR, key, salt, [1, 2, sealed[0]], Array(sealed.dropFirst()))
    refused(.aes256CTR, key, salt, [1], [2] + sealed)
  }

  /// One cipher's ciphertext is not another's.
  @Test
  func ciphersAreApart() throws {
    let key = try SecretBytes.random(count: 32)
    let salt = try CommittingAEAD.newSalt()
    let sealed = try CommittingAEAD.seal(
      .aes256CTR,
      key: key,
      salt: salt,
      aad: [],
      plaintext: secret([3, 4])
    )
    refused(.chacha20, key, salt, [], sealed)
  }

  @Test(arguments: [0, 15, 16, 17, 24, 31, 33, 64])
  func keyLength(count: Int) throws {
    let key = try SecretBytes(count: count)
    for cipher in CommittingAEAD.Cipher.allCases where cipher.keyLength != count {
      #expect(throws: CryptoError.invalidKey("key length")) {
        _ = try CommittingAEAD.seal(
          cipher,
          key: key,
          salt: CommittingAEAD.newSalt(),
          aad: [],
          plaintext: secret([])
        )
      }
    }
  }

  @Test(arguments: [0, 16, 23, 25])
  func saltLength(count: Int) throws {
    let key = try SecretBytes(count: 32)
    #expect(throws: CryptoError.invalidInput("salt length")) {
      _ = try CommittingAEAD.seal(
        .aes256CTR,
        key: key,
        salt: [UInt8](repeating: 0, count: count),
        aad: [],
        plaintext: secret([])
      )
    }
  }

  private func refused(
    _ cipher: CommittingAEAD.Cipher,
    _ key: borrowing SecretBytes,
    _ salt: [UInt8],
    _ aad: [UInt8],
    _ sealed: [UInt8]
  ) {
    do throws(CryptoError) {
      _ = try CommittingAEAD.open(cipher, key: key, salt: salt, aad: aad, ciphertext: sealed)
      Issue.record("opened")
    } catch {
      #expect(error == .authenticationFailed)
    }
  }
}
