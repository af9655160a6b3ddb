import Glibc

/// Rates of single primitives on one thread, for the comparison with `openssl speed`.
package enum CryptoBenchmark {
  /// Encryptions a second of `size` bytes with AES-256-GCM: one key, a nonce for each, no allocation
  /// by the caller.
  package static func aes256GCM(size: Int, seconds: Double) throws(CryptoError) -> Double {
    let key = try SecretBytes.random(count: 32)
    let plaintext = try SecretBytes(count: size)
    let output = UnsafeMutableRawBufferPointer.allocate(
      byteCount: size + AEAD.tagLength,
      alignment: 16
    )
    defer { output.deallocate() }
    var nonce = [UInt8](repeating: 0, count: AEAD.nonceLength)
    return try plaintext.withUnsafeBytes { input throws(CryptoError) in
      try rate(seconds) { round throws(CryptoError) in
        withUnsafeBytes(of: UInt64(round)) { nonce.replaceSubrange(4..., with: $0) }
        try AEAD.seal(
          .aes256GCM,
          key: key,
          nonce: nonce,
          aad: [],
          plaintext: input,
          into: output
        )
      }
    }
  }

  /// Encryptions a second of `size` bytes with `CommittingAEAD`, a salt drawn for each.
  package static func message(
    _ cipher: CommittingAEAD.Cipher,
    size: Int,
    seconds: Double
  ) throws(CryptoError) -> Double {
    let key = try SecretBytes.random(count: cipher.keyLength)
    let plaintext = try SecretBytes(count: size)
    let aad = [UInt8](repeating: 7, count: 64)
    return try rate(seconds) { _ throws(CryptoError) in
      _ = try CommittingAEAD.seal(
        cipher,
        key: key,
        salt: CommittingAEAD.newSalt(),
        aad: aad,
        plaintext: plaintext
      )
    }
  }

  /// HMAC-SHA-256 tags a second of `size` bytes with a prepared key.
  package static func hmac(size: Int, seconds: Double) throws(CryptoError) -> Double {
    let key = try HMACKey(.sha256, key: SecretBytes.random(count: 32))
    let message = [UInt8](repeating: 7, count: size)
    return try rate(seconds) { _ throws(CryptoError) in
      _ = key.authenticate(message)
    }
  }

  /// Calls a second of `body`, which is called until it has used `seconds` of processor time.
  ///
  /// Processor time, because `openssl speed` counts that, and so that other load does not count.
  package static func rate(
    _ seconds: Double,
    batch: Int = 1000,
    _ body: (Int) throws(CryptoError) -> Void
  ) throws(CryptoError) -> Double {
    let start = processorSeconds()
    var rounds = 0
    while true {
      for round in rounds..<rounds + batch { try body(round) }
      rounds += batch
      let elapsed = processorSeconds() - start
      if elapsed >= seconds { return Double(rounds) / elapsed }
    }
  }

  private static func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
