import KeywardCrypto
import Testing

@Suite
struct AEADTests {
  @Test(arguments: AEAD.Algorithm.allCases)
  func everyBitCounts(algorithm: AEAD.Algorithm) throws {
    let key = try SecretBytes.random(count: algorithm.keyLength)
    let nonce = try RandomSource.bytes(12)
    let sealed = try AEAD.seal(
      algorithm,
      key: key,
      nonce: nonce,
      aad: [1, 2],
      plaintext: secret([3, 4, 5])
    )
    for bit in 0..<sealed.count * 8 {
      var changed = sealed
      changed[bit / 8] ^= 1 << (bit % 8)
      refused(algorithm, key, nonce, [1, 2], changed)
    }
    for count in 0..<sealed.count {
      refused(algorithm, key, nonce, [1, 2], Array(sealed[..<count]))
    }
    refused(algorithm, key, nonce, [1], sealed)
    refused(algorithm, key, nonce, [1, 2, 0], sealed)
    refused(algorithm, key, nonce.reversed(), [1, 2], sealed)
  }

  @Test(arguments: [0, 8, 11, 13, 16])
  func nonceLength(count: Int) throws {
    let key = try SecretBytes(count: 32)
    let nonce = [UInt8](repeating: 0, count: count)
    #expect(throws: CryptoError.invalidInput("nonce length")) {
      _ = try AEAD.seal(.aes256GCM, key: key, nonce: nonce, aad: [], plaintext: secret([1]))
    }
    #expect(throws: CryptoError.invalidInput("nonce length")) {
      _ = try AEAD.open(
        .aes256GCM,
        key: key,
        nonce: nonce,
        aad: [],
        ciphertext: [UInt8](repeating: 0, count: 20)
      )
    }
  }

  @Test(arguments: [0, 15, 17, 24, 31, 33])
  func keyLength(count: Int) throws {
    let key = try SecretBytes(count: count)
    for algorithm in AEAD.Algorithm.allCases {
      #expect(throws: CryptoError.invalidKey("key length")) {
        _ = try AEAD.seal(
          algorithm,
          key: key,
          nonce: RandomSource.bytes(12),
          aad: [],
          plaintext: secret([1])
        )
      }
    }
  }

  /// What is not genuine leaves nothing in the buffer of the caller.
  @Test
  func failureLeavesZeros() throws {
    let key = try SecretBytes.random(count: 32)
    let nonce = try RandomSource.bytes(12)
    var sealed = try AEAD.seal(
      .aes256GCM,
      key: key,
      nonce: nonce,
      aad: [],
      plaintext: secret([UInt8](repeating: 7, count: 64))
    )
    sealed[79] ^= 1
    var output = [UInt8](repeating: 1, count: 64)
    #expect(throws: CryptoError.authenticationFailed) {
      try sealed.withUnsafeBytes { input in
        try output.withUnsafeMutableBytes { out in
          try AEAD.open(
            .aes256GCM,
            key: key,
            nonce: nonce,
            aad: [],
            ciphertext: input,
            into: out
          )
        }
      }
    }
    #expect(output == [UInt8](repeating: 0, count: 64))
  }

  /// Contexts are shared between threads and keys, also while they are being forgotten.
  @Test
  func manyThreads() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for round in 0..<500 {
            let key = try SecretBytes.random(count: 32)
            let nonce = try RandomSource.bytes(12)
            let data = [UInt8](repeating: UInt8(task), count: round)
            let sealed = try AEAD.seal(
              .aes256GCM,
              key: key,
              nonce: nonce,
              aad: [],
              plaintext: secret(data)
            )
            let opened = try AEAD.open(
              .aes256GCM,
              key: key,
              nonce: nonce,
              aad: [],
              ciphertext: sealed
            )
            #expect(opened.revealed() == data)
            if round % 50 == 0 { SecureMemory.forgetKeySchedules() }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func refused(
    _ algorithm: AEAD.Algorithm,
    _ key: borrowing SecretBytes,
    _ nonce: [UInt8],
    _ aad: [UInt8],
    _ sealed: [UInt8]
  ) {
    do throws(CryptoError) {
      _ = try AEAD.open(algorithm, key: key, nonce: nonce, aad: aad, ciphertext: sealed)
      Issue.record("opened")
    } catch {
      #expect(error == .authenticationFailed)
    }
  }
}
