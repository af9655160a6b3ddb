import Foundation
import KeywardAudit
import KeywardKeyring
import KeywardModel
import KeywardStore
import Testing

/// Random writes, failures and reopenings against a model in memory.
@Suite
struct RandomWritesTests {
  private struct Stop: Error {}

  /// What a store should hold.
  private struct Model {
    var keys: [KeyID: Key] = [:]
    var seals: [Int64: StoredSeal] = [:]
    var meta: [MetaName: [UInt8]] = [:]
    var terms: [WrappedTerm] = []
    var auditSize: UInt64 = 0
    var frontier: [UInt8] = []
    var counter: UInt64 = 1
    var names: Int = 0
  }

  /// SplitMix64, so that a seed tells the whole run.
  private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
      return word ^ (word >> 31)
    }
  }

  @Test(arguments: [1, 2, 3])
  func theStoreHoldsWhatTheModelHolds(_ seed: UInt64) throws {
    let isLong = ProcessInfo.processInfo.environment["KEYWARD_LONG_TESTS"] != nil
    let scratch = try Scratch()
    let sample = try Sample()
    var random = Random(state: seed)
    var model = Model()
    var store: SQLiteStore? = try sample.create(in: scratch("data"))
    let contents = sample.contents
    for seal in contents.seals { model.seals[seal.slot] = seal }
    model.terms = contents.terms
    model.meta = contents.meta
    model.meta[.storeID] = sample.id.bytes
    for step in 0..<(isLong ? 5000 : 300) {
      var next = model
      let fails = Int.random(in: 0..<5, using: &random) == 0
      let steps = Int.random(in: 1...6, using: &random)
      do {
        try store?.write(durability: step.isMultiple(of: 2) ? .change : .auditOnly) { transaction in
          for _ in 0..<steps { try act(transaction, sample, &next, &random) }
          if fails { throw Stop() }
        }
        next.counter += 1
        model = next
      } catch is Stop {}
      guard Int.random(in: 0..<12, using: &random) == 0 else { continue }
      if Bool.random(using: &random) {
        store?.lock()
      } else {
        store = nil
        store = try SQLiteStore.open(directory: scratch("data"))
      }
      let state = try #require(try store?.unlock(sample.keys, accepting: []))
      let found = Set(state.keys.map(KeyImage.init))
      let expected = Set(model.keys.values.map(KeyImage.init))
      #expect(found == expected, "seed \(seed) step \(step)")
      #expect(Dictionary(uniqueKeysWithValues: state.seals.map { ($0.slot, $0) }) == model.seals)
      #expect(state.terms == model.terms && state.meta == model.meta)
      #expect(state.auditSize == model.auditSize && state.frontier == model.frontier)
      #expect(state.counter == model.counter)
    }
    let report = try #require(try store?.check(keyring: sample.keyring))
    // Entries and material are made up here; rows, sets and pages are real.
    let rows = report.findings.filter { !$0.table.hasPrefix("audit") && $0.table != "key_versions" }
    #expect(rows.isEmpty, "\(rows)")
  }

  private func act(
    _ transaction: any StoreTransaction,
    _ sample: Sample,
    _ model: inout Model,
    _ random: inout Random
  ) throws {
    let key = model.keys.values.sorted { $0.name < $1.name }.randomElement(using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0, 1:
      model.names += 1
      let count = Int.random(in: 1...3, using: &random)
      let new = try sample.key("k/n\(model.names)", versions: count)
      try transaction.insertKey(new)
      model.keys[new.id] = new
    case 2, 3:
      guard let key else { return }
      var attributes = key.attributes
      attributes.requiredApprovals += 1
      attributes.allowedDestinations = Bool.random(using: &random) ? ["a", "b"] : nil
      let new = key.with(attributes: attributes)
      try transaction.updateKey(new, from: key)
      model.keys[key.id] = new
    case 4:
      guard let key else { return }
      let version = try sample.version(key.versions.count + 1, of: key)
      try transaction.insertVersion(version, of: key.id)
      model.keys[key.id] = key.with(versions: key.versions + [version])
    case 5, 6:
      guard let key, let old = key.versions.randomElement(using: &random) else { return }
      let new = Sample.destroyed(old)
      try transaction.updateVersion(new, from: old, of: key.id)
      var versions = key.versions
      versions[old.number - 1] = new
      model.keys[key.id] = key.with(versions: versions)
    case 7:
      let slot = Int64.random(in: 0..<4, using: &random)
      if Bool.random(using: &random) {
        let seal = StoredSeal(
          slot: slot,
          record: [UInt8(truncatingIfNeeded: random.next()), UInt8(slot)]
        )
        try transaction.putSeal(seal)
        model.seals[slot] = seal
      } else {
        try transaction.removeSeal(slot: slot)
        model.seals[slot] = nil
      }
    case 8:
      let value = [UInt8(truncatingIfNeeded: random.next())]
      try transaction.setMeta(.auditSigningKey, value)
      model.meta[.auditSigningKey] = value
      // A part that fails leaves the rest.
      try? transaction.savepoint {
        try transaction.setMeta(.auditOrigin, [1])
        try transaction.appendAudit(
          index: model.auditSize,
          entry: [9],
          leafHash: [UInt8](repeating: 9, count: 32)
        )
        throw Stop()
      }
    default:
      let hash = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: 32)
      try transaction.appendAudit(index: model.auditSize, entry: [1, 2, 3], leafHash: hash)
      try transaction.setFrontier(hash)
      model.auditSize += 1
      model.frontier = hash
    }
  }
}
