import KeywardCrypto
import Synchronization

/// Keys that exist to try an envelope: of RSA one of each size, made when first needed; of curves a new
/// one each time.
///
/// What they open never leaves the process, so one can serve many blobs, and those of RSA have more
/// than two primes, which makes each trial a good deal quicker.
enum ThrowAwayKeys {
  private static let kept = Mutex<[Int: PrivateKey]>([:])

  static func key(_ algorithm: AsymmetricAlgorithm) throws(CryptoError) -> PrivateKey {
    guard case .rsa(let bits) = algorithm else { return try PrivateKey.generate(algorithm) }
    return try key(bits: bits)
  }

  /// The RSA key of `bits` bits; 2048 to 8192.
  static func key(bits: Int) throws(CryptoError) -> PrivateKey {
    if let key = kept.withLock({ $0[bits] }) { return key }
    // Outside the lock, so that other sizes do not wait; of two made at once, one is kept.
    let made = try PrivateKey.generateThrowAway(rsaBits: bits)
    return kept.withLock { kept in
      if let key = kept[bits] { return key }
      kept[bits] = made
      return made
    }
  }
}
