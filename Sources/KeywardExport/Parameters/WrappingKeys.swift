package import KeywardCrypto
import Synchronization

/// Wrapping keys that were checked, so that a thousand exports into one import job check its key once.
///
/// libcrypto looks for factors of a modulus, which takes some 20 ms at 4096 bits, at each reading.
package enum WrappingKeys {
  /// Few, since a provider or a job has one; more start anew.
  private static let most = 16
  private static let known = Mutex<[[UInt8]: PublicKey]>([:])

  /// The key of a SubjectPublicKeyInfo, under the rules of `PublicKey`.
  package static func key(_ spki: [UInt8]) throws(CryptoError) -> PublicKey {
    if let key = known.withLock({ $0[spki] }) { return key }
    let key = try PublicKey(spki: spki)
    known.withLock { known in
      if known.count >= most { known.removeAll() }
      known[spki] = key
    }
    return key
  }
}
