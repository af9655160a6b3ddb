import KeywardModel
import KeywardStore
import Testing

/// Records: written, changed, removed and read back, and never other than as their writer knew them.
@Suite
struct RecordTests {
  private func record(_ id: String, _ body: String, _ kind: RecordKind = .token) -> StoredRecord {
    StoredRecord(kind: kind, id: id, body: Array(body.utf8))
  }

  @Test
  func recordsComeBackInTheOrderOfKindAndID() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let (one, two) = (record("b", "two"), record("a", "one"))
    let policy = record("1", "policy", .policy)
    do {
      let store = try sample.create(in: scratch("data"))
      try store.write(durability: .change) { transaction in
        for record in [one, two, policy] { try transaction.insertRecord(record) }
      }
      try store.write(durability: .change) { transaction in
        try transaction.updateRecord(record("a", "changed"), from: two)
        try transaction.deleteRecord(one)
      }
    }
    let store = try SQLiteStore.open(directory: scratch("data"))
    let state = try store.unlock(sample.keys, accepting: [])
    #expect(state.records == [policy, record("a", "changed")])
  }

  @Test
  func aRecordThatIsAnotherByNowIsAConflict() throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    let first = record("a", "one")
    try store.write(durability: .change) { try $0.insertRecord(first) }
    #expect(throws: StoreError.self) {
      try store.write(durability: .change) { try $0.insertRecord(record("a", "again")) }
    }
    for stale in [record("a", "other"), record("b", "one"), record("a", "one", .role)] {
      #expect(throws: StoreError.conflict("records \(stale.kind.rawValue)/\(stale.id)")) {
        try store.write(durability: .change) { try $0.deleteRecord(stale) }
      }
      #expect(throws: StoreError.conflict("records \(stale.kind.rawValue)/\(stale.id)")) {
        try store.write(durability: .change) {
          try $0.updateRecord(
            StoredRecord(kind: stale.kind, id: stale.id, body: [1]),
            from: stale
          )
        }
      }
    }
    try store.write(durability: .change) { try $0.deleteRecord(first) }
  }

  @Test
  func aRecordKeepsItsKindAndID() throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    let first = record("a", "one")
    try store.write(durability: .change) { try $0.insertRecord(first) }
    for other in [record("b", "one"), record("a", "one", .policy)] {
      #expect(throws: StoreError.self) {
        try store.write(durability: .change) { try $0.updateRecord(other, from: first) }
      }
    }
  }
}
