import KeywardModel
import Testing

@Suite
struct KeyStateTests {
  /// The table of docs: one row a state, one letter an operation in the order of `KeyOperation`.
  static let table: [(KeyState, String)] = [
    (.preActive, "............"),
    (.active, "xxxxxxxxxxxx"),
    (.suspended, "............"),
    (.deactivated, ".x.x.x.x...."),
    (.compromised, ".x.x.x.x...."),
    (.destroyed, "............"),
  ]

  @Test("Each state allows exactly its operations", arguments: table)
  func operations(state: KeyState, row: String) {
    for (operation, letter) in zip(KeyOperation.allCases, row) {
      #expect(
        state.operations.contains(operation) == (letter == "x"),
        "\(state.rawValue) \(operation.rawValue)"
      )
    }
  }

  @Test("The table has every state and every operation")
  func complete() {
    #expect(Set(Self.table.map(\.0)) == Set(KeyState.allCases))
    #expect(Self.table.allSatisfy { $0.1.count == KeyOperation.allCases.count })
  }

  /// SP 800-57 part 1 revision 5 §7, with compromise never taken back.
  static let transitions: [KeyState: Set<KeyState>] = [
    .preActive: [.active, .compromised, .destroyed],
    .active: [.suspended, .deactivated, .compromised],
    .suspended: [.active, .deactivated, .compromised, .destroyed],
    .deactivated: [.compromised, .destroyed],
    .compromised: [.destroyed],
    .destroyed: [],
  ]

  @Test("Transitions are those of the standard, cell by cell", arguments: KeyState.allCases)
  func successors(from: KeyState) {
    for to in KeyState.allCases {
      #expect(
        from.successors.contains(to) == (Self.transitions[from]?.contains(to) ?? false),
        "\(from.rawValue) to \(to.rawValue)"
      )
    }
  }

  @Test("A version that waits for destruction does nothing", arguments: KeyState.allCases)
  func pendingDestruction(state: KeyState) throws {
    let id = try #require(KMSKeyID(random: [UInt8](repeating: 7, count: 16)))
    let now = Timestamp(milliseconds: 0)
    let version = KeyVersion(
      number: 1,
      kmsKeyID: id,
      state: state,
      origin: .generated,
      createdAt: now,
      destroyAt: now,
      checkValue: [],
      publicKey: [],
      material: []
    )
    #expect(version.operations.isEmpty)
  }
}
