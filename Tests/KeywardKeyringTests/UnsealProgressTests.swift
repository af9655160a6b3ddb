import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct UnsealProgressTests {
  private let root: RootKey
  private let seal: SharedSeal

  init() throws {
    root = try RootKey.generate()
    seal = try SealRecord.createShared(
      .unseal,
      threshold: 3,
      count: 5,
      store: try Fixtures.store(),
      rootKey: root
    )
  }

  private func refusal(_ outcome: UnsealProgress.Outcome) -> KeyringError? {
    guard case .refused(let error) = outcome else { return nil }
    return error
  }

  private func progress() throws -> UnsealProgress { try #require(UnsealProgress(seal.record)) }

  @Test
  func everyThreeOfFiveUnsealInAnyOrder() throws {
    for mask in 0..<32 where mask.nonzeroBitCount == 3 {
      let chosen = (0..<5).filter { mask >> $0 & 1 == 1 }.shuffled()
      var progress = try progress()
      for (step, index) in chosen.enumerated() {
        let outcome = progress.shareOffered(seal.shares[index])
        if step < 2 {
          guard case .collected(let status) = outcome else { throw Unexpected() }
          #expect(status.held == step + 1)
          #expect(status.indices == chosen.prefix(step + 1).map { $0 + 1 }.sorted())
        } else {
          guard case .opened(let opened) = outcome else { throw Unexpected() }
          #expect(opened.isSame(as: root))
          #expect(progress.status.held == 0)
        }
      }
    }
  }

  struct Unexpected: Error {}

  /// Every mistake is refused by name, in every state, and leaves progress as it was (V18).
  @Test(arguments: 0...2)
  func mistakesKeepProgress(held: Int) throws {
    var progress = try progress()
    for share in seal.shares.prefix(held) { _ = progress.shareOffered(share) }
    let before = progress.status
    #expect(before.held == held)

    let other = try SealRecord.createShared(
      .unseal,
      threshold: 3,
      count: 5,
      store: try Fixtures.store(),
      rootKey: root
    )
    #expect(
      refusal(progress.shareOffered(other.shares[4]))
        == .foreignShare(
          index: 5,
          setID: other.shares[4].set.id.description,
          expected: seal.shares[0].set.id.description
        )
    )

    let set = seal.shares[0].set
    let otherThreshold = try Share(
      set: try ShareSet(id: set.id, threshold: 2, count: 5),
      index: 5,
      payload: seal.shares[4].payload
    )
    #expect(
      refusal(progress.shareOffered(otherThreshold))
        == .shareThresholdMismatch(index: 5, stated: "2 of 5", expected: "3 of 5")
    )

    let forged = try Share(
      set: set,
      index: 5,
      payload: try Fixtures.box(Fixtures.random(32))
    )
    #expect(refusal(progress.shareOffered(forged)) == .forgedShare(index: 5))

    let moved = try Share(set: set, index: 4, payload: seal.shares[4].payload)
    #expect(refusal(progress.shareOffered(moved)) == .forgedShare(index: 4))

    if held > 0 {
      #expect(refusal(progress.shareOffered(seal.shares[0])) == .duplicateShare(index: 1))
    }
    #expect(progress.status == before)
  }

  /// A database writer can make the checks fit forged shares, but not the root key.
  @Test
  func sharesThatDoNotCombineAreReportedAndProgressStartsAgain() throws {
    let forged = try seal.shares.map {
      try Share(
        set: $0.set,
        index: Int($0.index),
        payload: try Fixtures.box(Fixtures.random(32))
      )
    }
    let record = try SealRecord.withChecks(of: forged, in: seal.record)
    var progress = try #require(UnsealProgress(record))
    #expect(refusal(progress.shareOffered(forged[3])) == nil)
    #expect(refusal(progress.shareOffered(forged[1])) == nil)
    #expect(refusal(progress.shareOffered(forged[0])) == .sharesNotGenuine(indices: [1, 2, 4]))
    #expect(progress.status.held == 0)
    #expect(refusal(progress.shareOffered(forged[0])) == nil)
    #expect(progress.status.indices == [1])
  }

  @Test
  func anAlteredRecordIsReported() throws {
    var bytes = seal.record.encoded
    bytes[bytes.count - 1] ^= 1
    var progress = try #require(UnsealProgress(try SealRecord(decoding: bytes)))
    _ = progress.shareOffered(seal.shares[0])
    _ = progress.shareOffered(seal.shares[1])
    #expect(refusal(progress.shareOffered(seal.shares[2])) == .sealRecordAltered)
    #expect(progress.status.held == 0)
  }

  @Test
  func oneOfOneUnsealsAtOnce() throws {
    let single = try SealRecord.createShared(
      .unseal,
      threshold: 1,
      count: 1,
      store: try Fixtures.store(),
      rootKey: root
    )
    var progress = try #require(UnsealProgress(single.record))
    guard case .opened(let opened) = progress.shareOffered(single.shares[0]) else {
      throw Unexpected()
    }
    #expect(opened.isSame(as: root))
  }

  @Test
  func theLargestSetUnseals() throws {
    let large = try SealRecord.createShared(
      .recovery,
      threshold: 255,
      count: 255,
      store: try Fixtures.store(),
      rootKey: root
    )
    #expect(try SealRecord(decoding: large.record.encoded) == large.record)
    var progress = try #require(UnsealProgress(large.record))
    for share in large.shares.shuffled() {
      if case .opened(let opened) = progress.shareOffered(share) {
        #expect(opened.isSame(as: root))
        return
      }
    }
    Issue.record("255 shares did not unseal")
  }

  @Test
  func sealsWithoutSharesHaveNoProgress() throws {
    let record = try SealRecord.create(
      .keyFile,
      store: try Fixtures.store(),
      secret: Fixtures.fileSecret([UInt8](0..<32)),
      rootKey: root
    )
    #expect(UnsealProgress(record) == nil)
  }
}

extension SealRecord {
  /// `record` with the checks of other shares, as a writer of the database would edit it.
  fileprivate static func withChecks(
    of shares: [Share],
    in record: SealRecord
  ) throws -> SealRecord {
    let old = record.shareChecks.flatMap { $0 }
    var bytes = record.encoded
    let start = try #require(
      bytes.indices.first { bytes[$0...].starts(with: old) }
    )
    bytes.replaceSubrange(start..<start + old.count, with: try shares.flatMap { try $0.check() })
    return try SealRecord(decoding: bytes)
  }
}
