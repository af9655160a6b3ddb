import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct SealStateTests {
  /// Every phase, reached by events.
  private enum Start: String, CaseIterable, CustomTestStringConvertible {
    case opening, sealed, sealing, uninitialized, unsealed, unsealing
    var testDescription: String { rawValue }
  }

  private let root: RootKey
  private let seal: SharedSeal
  private let recovery: SharedSeal
  private let file: SealRecord

  init() throws {
    root = try RootKey.generate()
    let store = try Fixtures.store()
    seal = try SealRecord.createShared(
      .unseal,
      threshold: 2,
      count: 3,
      store: store,
      rootKey: root
    )
    recovery = try SealRecord.createShared(
      .recovery,
      threshold: 2,
      count: 2,
      store: store,
      rootKey: root
    )
    file = try SealRecord.create(
      .keyFile,
      store: store,
      secret: Fixtures.fileSecret([UInt8](0..<32)),
      rootKey: root
    )
  }

  private func secret() throws -> SealSecret { try Fixtures.fileSecret([UInt8](0..<32)) }

  private func state(_ start: Start) throws -> SealState {
    guard start != .uninitialized else { return SealState(seals: []) }
    var state = SealState(seals: [seal.record, file])
    guard start != .sealed else { return state }
    guard start != .unsealing else {
      _ = state.shareOffered(seal.shares[0])
      return state
    }
    _ = state.secretOffered(try secret(), for: file)
    guard start != .opening else { return state }
    _ = state.storeOpened()
    guard start != .unsealed else { return state }
    _ = state.sealRequested()
    return state
  }

  private func name(_ phase: SealState.Phase) -> String {
    switch phase {
    case .unsealing: "unsealing"
    default: "\(phase)"
    }
  }

  @Test
  func everyPhaseIsReached() throws {
    for start in Start.allCases { #expect(name(try state(start).phase) == start.rawValue) }
  }

  /// Event by state: the phase afterwards; what is not listed changes nothing, and says so.
  private static let table: [(event: String, after: [String: String])] = [
    ("storeInitialized", ["uninitialized": "sealed"]),
    ("share", ["sealed": "unsealing", "unsealing": "opening"]),
    ("secret", ["sealed": "opening", "unsealing": "opening"]),
    ("wrongSecret", [:]),
    ("storeOpened", ["opening": "unsealed"]),
    ("storeRefused", ["opening": "sealed"]),
    ("sealRequested", ["unsealed": "sealing"]),
    ("requestsDrained", ["sealing": "sealed"]),
  ]

  @Test(arguments: Start.allCases)
  private func everyEventInEveryPhase(start: Start) throws {
    for (event, after) in Self.table {
      var state = try state(start)
      let before = state.phase
      let taken = try apply(event, to: &state)
      if let expected = after[start.rawValue] {
        #expect(name(state.phase) == expected, "\(event) in \(start)")
        #expect(taken, "\(event) in \(start)")
      } else {
        #expect(state.phase == before, "\(event) in \(start)")
        #expect(!taken, "\(event) in \(start)")
      }
    }
  }

  /// Whether the event was taken.
  private func apply(_ event: String, to state: inout SealState) throws -> Bool {
    func taken(_ action: SealState.OnSecret) -> Bool {
      if case .refused = action { return false }
      return true
    }
    switch event {
    case "storeInitialized": return state.storeInitialized([file])
    case "share": return taken(state.shareOffered(seal.shares[1]))
    case "secret": return taken(state.secretOffered(try secret(), for: file))
    case "wrongSecret":
      return taken(
        state.secretOffered(try Fixtures.fileSecret([UInt8](1..<33)), for: file)
      )
    case "storeOpened": return state.storeOpened()
    case "storeRefused": return state.storeRefused()
    case "sealRequested": return state.sealRequested() == .drainThenWipe
    default: return state.requestsDrained()
    }
  }

  @Test
  func sealingAnswersByPhase() throws {
    let answers: [(Start, SealState.OnSealRequest)] = [
      (.uninitialized, .alreadySealed), (.sealed, .alreadySealed), (.unsealing, .alreadySealed),
      (.opening, .refusedWhileOpening), (.unsealed, .drainThenWipe), (.sealing, .alreadySealing),
    ]
    for (start, answer) in answers {
      var state = try state(start)
      let given = state.sealRequested()
      #expect(given == answer, "\(start)")
    }
  }

  /// V18: nothing but shares moves a collection; above all, no request to seal resets it.
  @Test
  func noEventTakesCollectedSharesAway() throws {
    for event in Self.table.map({ $0.event }) where event != "share" && event != "secret" {
      var state = try state(.unsealing)
      _ = try apply(event, to: &state)
      guard case .openStore(let opened) = state.shareOffered(seal.shares[1]) else {
        Issue.record("\(event) took a share away")
        continue
      }
      #expect(opened.isSame(as: root))
    }
  }

  @Test
  func recoverySharesUnsealBesideTheAutomaticSeal() throws {
    var state = SealState(seals: [file, recovery.record])
    guard case .collected(let status) = state.shareOffered(recovery.shares[1]) else {
      Issue.record("a recovery share was refused")
      return
    }
    #expect(status.held == 1)
    #expect(state.phase == .unsealing(status))
    guard case .openStore(let opened) = state.shareOffered(recovery.shares[0]) else {
      Issue.record("recovery shares did not open")
      return
    }
    #expect(opened.isSame(as: root))
    #expect(state.phase == .opening)
  }

  /// Shares of two seals of one store are collected apart, so neither spoils the other.
  @Test
  func twoSetsAreCollectedApart() throws {
    var state = SealState(seals: [seal.record, recovery.record])
    _ = state.shareOffered(seal.shares[0])
    _ = state.shareOffered(recovery.shares[0])
    guard case .openStore = state.shareOffered(seal.shares[2]) else {
      Issue.record("the first set did not open")
      return
    }
  }

  @Test
  func aShareOfAnotherStoreIsNamed() throws {
    let other = try SealRecord.createShared(
      .unseal,
      threshold: 2,
      count: 3,
      store: try Fixtures.store(7),
      rootKey: root
    )
    var state = SealState(seals: [seal.record])
    guard case .refused(let error) = state.shareOffered(other.shares[1]) else {
      Issue.record("a foreign share was taken")
      return
    }
    #expect(
      error
        == .foreignShare(
          index: 2,
          setID: other.shares[1].set.id.description,
          expected: seal.shares[0].set.id.description
        )
    )
    #expect(state.phase == .sealed)
  }

  @Test
  func aRefusedShareKeepsWhatWasCollected() throws {
    var state = try state(.unsealing)
    let before = state.phase
    let forged = try Share(
      set: seal.shares[1].set,
      index: 2,
      payload: try Fixtures.box(Fixtures.random(32))
    )
    for (share, expected) in [
      (seal.shares[0], KeyringError.duplicateShare(index: 1)), (forged, .forgedShare(index: 2)),
    ] {
      guard case .refused(let error) = state.shareOffered(share) else {
        Issue.record("a wrong share was taken")
        return
      }
      #expect(error == expected)
      #expect(state.phase == before)
    }
  }

  /// Two sets of one store would do: an error about a third names both.
  @Test
  func aForeignShareIsToldAllSetsThatWouldDo() throws {
    let other = try SealRecord.createShared(
      .unseal,
      threshold: 2,
      count: 2,
      store: try Fixtures.store(),
      rootKey: root
    )
    var state = SealState(seals: [seal.record, recovery.record])
    guard case .refused(let error) = state.shareOffered(other.shares[0]) else {
      Issue.record("a foreign share was taken")
      return
    }
    let ids = [seal, recovery].map { $0.shares[0].set.id.description }
    #expect(
      error
        == .foreignShare(
          index: 1,
          setID: other.shares[0].set.id.description,
          expected: ids.joined(separator: " or ")
        )
    )
  }

  @Test
  func aShareForAStoreWithoutSharesIsNamed() throws {
    var state = SealState(seals: [file])
    guard case .refused(let error) = state.shareOffered(seal.shares[0]) else {
      Issue.record("a share was taken")
      return
    }
    #expect(error == .wrongSecretKind(seal: "key file"))
  }

  @Test
  func aRecordThatIsNoSealOfThisStoreIsRefused() throws {
    var state = SealState(seals: [seal.record])
    guard case .refused(let error) = state.secretOffered(try secret(), for: file) else {
      Issue.record("a foreign record was opened")
      return
    }
    #expect(error == .wrongStore("The seal record"))
  }

  /// After a rekey the old shares are foreign and the new ones open.
  @Test
  func replacedSealsCountAtTheNextUnseal() throws {
    var state = try state(.unsealed)
    let replaced = state.sealsReplaced([recovery.record])
    #expect(replaced)
    _ = state.sealRequested()
    _ = state.requestsDrained()
    guard case .refused = state.shareOffered(seal.shares[0]) else {
      Issue.record("an old share was taken")
      return
    }
    _ = state.shareOffered(recovery.shares[0])
    guard case .openStore = state.shareOffered(recovery.shares[1]) else {
      Issue.record("the new shares did not open")
      return
    }
    for start in Start.allCases where start != .unsealed {
      var state = try self.state(start)
      let replaced = state.sealsReplaced([recovery.record])
      #expect(!replaced, "\(start)")
    }
    var empty = try self.state(.unsealed)
    let emptied = empty.sealsReplaced([])
    #expect(!emptied)
  }

  /// 5,000 random events against a model of the phases alone.
  @Test
  func randomWalksFollowTheTable() throws {
    var state = SealState(seals: [])
    for _ in 0..<5000 {
      guard let (event, after) = Self.table.randomElement() else { return }
      let before = name(state.phase)
      let taken = try apply(event, to: &state)
      // In a walk the one share that "share" offers can be a double or the second one.
      if event == "share", before == "sealed" || before == "unsealing" { continue }
      #expect(name(state.phase) == after[before] ?? before, "\(event) in \(before)")
      #expect(taken == (after[before] != nil), "\(event) in \(before)")
    }
  }
}
