import KeywardCrypto

/// How far the collection of one share set has come; public.
package struct UnsealStatus: Hashable, Sendable {
  /// The set that is being collected.
  package let set: ShareSet
  /// The indices of the shares held, ascending.
  package let indices: [Int]

  package init(set: ShareSet, indices: [Int]) {
    self.set = set
    self.indices = indices
  }

  /// How many shares are held.
  package var held: Int { indices.count }
}

/// Collects the shares of one seal until they open it; no I/O, no clock.
///
/// There is no event that cancels or resets the collection: whoever can reach an unseal endpoint
/// can only bring it forward, by a share that the seal knows (OpenBao CVE-2025-52894, Vault
/// CVE-2025-4656). A wrong, doubled, foreign or forged share is refused by name and leaves
/// progress as it was.
package struct UnsealProgress: Sendable {
  /// What came of a share.
  package enum Outcome: Sendable {
    /// Taken; more are needed.
    case collected(UnsealStatus)
    /// The last one needed: here is the root key, and the shares are forgotten.
    case opened(RootKey)
    /// Not taken.
    case refused(KeyringError)
  }

  private let record: SealRecord
  private let set: ShareSet
  private var shares: [Share] = []

  /// Progress towards `record`; nil if that seal does not open by shares.
  package init?(_ record: SealRecord) {
    guard let set = record.kind.shareSet else { return nil }
    self.record = record
    self.set = set
  }

  /// How far it is.
  package var status: UnsealStatus {
    UnsealStatus(set: set, indices: shares.map { Int($0.index) }.sorted())
  }

  /// A holder gave a share.
  ///
  /// Refusals: `foreignShare`, `shareThresholdMismatch`, `duplicateShare`, `forgedShare` keep
  /// progress. Checked shares that still do not open the seal mean that the record was altered
  /// together with its checks: `sharesNotGenuine` or `sealRecordAltered`; progress starts again.
  package mutating func shareOffered(_ share: Share) -> Outcome {
    let index = Int(share.index)
    guard share.set.id == set.id else {
      return .refused(
        .foreignShare(
          index: index,
          setID: share.set.id.description,
          expected: set.id.description
        )
      )
    }
    guard share.set == set else {
      return .refused(
        .shareThresholdMismatch(
          index: index,
          stated: share.set.description,
          expected: set.description
        )
      )
    }
    do throws(KeyringError) {
      guard try record.recognizes(share) else { return .refused(.forgedShare(index: index)) }
      guard !shares.contains(where: { $0.index == share.index }) else {
        return .refused(.duplicateShare(index: index))
      }
      guard shares.count + 1 >= Int(set.threshold) else {
        shares.append(share)
        return .collected(status)
      }
      return try combine(shares + [share])
    } catch {
      return .refused(error)
    }
  }

  /// Tries enough shares.
  ///
  /// Out of memory keeps those already held, so that the last can come again.
  private mutating func combine(_ all: [Share]) throws(KeyringError) -> Outcome {
    let points = all.map { Shamir.Point(x: $0.index, y: $0.payload) }
    let secret = SealSecret.combinedShares(try Shamir.combine(points))
    do {
      let rootKey = try record.open(with: secret)
      shares = []
      return .opened(rootKey)
    } catch .sealSecretMismatch {
      shares = []
      return .refused(.sharesNotGenuine(indices: all.map { Int($0.index) }.sorted()))
    } catch .sealRecordAltered {
      shares = []
      throw .sealRecordAltered
    }
  }
}
