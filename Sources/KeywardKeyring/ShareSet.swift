package import KeywardCrypto
import KeywardModel

/// The public identity of one set of shares: 8 random bytes made with the set.
///
/// Every rekey makes another, so that an old share is refused by name instead of spoiling the sum.
package struct ShareSetID: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// Takes exactly 8 bytes, else nil.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 8 else { return nil }
    self.bytes = bytes
  }

  /// The 16 lower-case hexadecimal digits that errors and status show.
  package var description: String { Hex.encode(bytes) }
}

/// The public parameters of one set of shares.
package struct ShareSet: Hashable, Sendable, CustomStringConvertible {
  /// The length of the shared secret, of every payload: 32 bytes.
  package static let secretLength = 32

  package let id: ShareSetID
  /// How many shares give the secret.
  package let threshold: UInt8
  /// How many shares were issued; their indices are 1 to `count`.
  package let count: UInt8

  /// Takes a possible pair of threshold and count (see `Shamir.isPossible`).
  package init(id: ShareSetID, threshold: Int, count: Int) throws(KeyringError) {
    guard Shamir.isPossible(threshold: threshold, count: count),
      let shortThreshold = UInt8(exactly: threshold), let shortCount = UInt8(exactly: count)
    else { throw .invalidThreshold(threshold: threshold, count: count) }
    self.id = id
    self.threshold = shortThreshold
    self.count = shortCount
  }

  /// A new set with a random id.
  package static func random(threshold: Int, count: Int) throws(KeyringError) -> ShareSet {
    let bytes = try crypto { () throws(CryptoError) in try RandomSource.bytes(8) }
    guard let id = ShareSetID(bytes) else { throw .crypto(.entropyFailure) }
    return try ShareSet(id: id, threshold: threshold, count: count)
  }

  /// `2 of 3`, as status and errors say it.
  package var description: String { "\(threshold) of \(count)" }

  /// The shares of `secret`, which is 32 bytes, in the order of their indices.
  package func split(_ secret: borrowing SecretBytes) throws(KeyringError) -> [Share] {
    guard secret.count == ShareSet.secretLength else {
      throw .invalidSealParameter("a shared secret has \(ShareSet.secretLength) bytes")
    }
    var shares: [Share] = []
    for point in try Shamir.split(secret, threshold: Int(threshold), count: Int(count)) {
      shares.append(try Share(set: self, index: Int(point.x), payload: point.y))
    }
    return shares
  }
}
