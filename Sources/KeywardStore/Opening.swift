import KeywardCrypto
import KeywardModel

/// Everything that carries a MAC, read from a database and verified.
///
/// Rows first, then the set of them, then the audit log's size. What is wrong is collected; whoever
/// opens the store decides what to make of it.
struct Opening {
  private(set) var loader: Loader
  /// What a store goes on from; only rows that verify are in it.
  private(set) var session: Session
  /// Whether the state row verifies; without it there is neither a counter nor a log to go on from.
  let stateIsValid: Bool
  private(set) var findings: [Finding]

  init(_ database: Database, keys: StoreKeys) throws(StoreError) {
    guard let id = try Opening.storeID(database) else {
      throw .tampered([Opening.missing("meta", "store_id")])
    }
    guard let stored = try StoredState.read(database) else {
      throw .tampered([Opening.missing("state", "1")])
    }
    loader = Loader(database, store: id, keys: keys)
    try loader.load()
    findings = loader.findings
    session = Session(
      keys: keys,
      store: id,
      digests: loader.digests,
      counter: stored.counter,
      auditSize: stored.auditSize,
      frontier: stored.frontier,
      seals: loader.seals,
      terms: loader.terms,
      meta: loader.meta
    )
    session.damaged = loader.damaged
    stateIsValid = constantTimeEquals(session.stateMAC(setMACs: stored.setMACs), stored.mac)
    if stateIsValid {
      findings += Opening.setProblems(session, stored, loader.damaged)
    } else {
      findings.append(
        Finding(
          table: "state",
          problem: "was edited or damaged: its MAC does not verify",
          remedy: "restore a backup"
        )
      )
    }
    if let problem = try Opening.auditProblem(database, stored) { findings.append(problem) }
  }

  /// The tables whose rows all verify, and yet are not the rows that were written.
  private static func setProblems(
    _ session: Session,
    _ stored: StoredState,
    _ damaged: [DamagedRow]
  ) -> [Finding] {
    var findings: [Finding] = []
    let length = 32
    let covered = Session.tables(coveredBy: stored.setMACs) ?? []
    for table in RowTable.allCases {
      let start = table.place * length
      guard !damaged.contains(where: { $0.table == table }) else { continue }
      // A table that the state row does not cover yet must be empty.
      let isWhole =
        covered.contains(table)
        ? constantTimeEquals(
          session.setMAC(of: table),
          Array(stored.setMACs[start..<start + length])
        )
        : session.digests[table] == SetDigest()
      guard isWhole else {
        findings.append(
          Finding(
            table: table.name,
            problem: "rows were removed, added or put back from an older copy",
            remedy: "restore a backup"
          )
        )
        continue
      }
    }
    return findings
  }

  /// What the store tells its user; `accepted` is what the user had to accept.
  func loaded(_ accepted: Set<Acceptance>) -> LoadedState {
    LoadedState(
      store: session.store,
      keys: loader.loadedKeys,
      terms: session.terms,
      seals: session.seals,
      meta: session.meta,
      records: loader.records,
      auditSize: session.auditSize,
      frontier: session.frontier,
      counter: session.storedCounter ?? session.counter,
      accepted: accepted,
      findings: findings
    )
  }

  /// Compares the counter with the anchor's, and goes on from the higher one.
  ///
  /// Nothing is written: the next write makes an accepted rollback good, together with the audit
  /// entry about it. Returns whether the database is older, or its age cannot be told.
  mutating func compare(with anchored: UInt64?) -> Bool {
    guard let anchored else { return true }
    guard session.counter < anchored else { return false }
    session.storedCounter = session.counter
    session.counter = anchored
    return true
  }

  private static func missing(_ table: String, _ row: String) -> Finding {
    Finding(
      table: table,
      row: row,
      problem: "is missing or damaged",
      remedy: "restore a backup"
    )
  }

  private static func storeID(_ database: Database) throws(StoreError) -> StoreID? {
    let statement = try database.statement("SELECT value FROM meta WHERE name = 'store_id'")
    defer { statement.reset() }
    return try statement.step() ? StoreID(statement.blob(0)) : nil
  }

  /// Whether the table of the audit log ends where the state says; `fsck` checks all of it.
  private static func auditProblem(
    _ database: Database,
    _ stored: StoredState
  ) throws(StoreError) -> Finding? {
    let last = try database.scalar("SELECT max(idx) FROM audit_entries")
    let count = last.map { UInt64(clamping: $0) &+ 1 } ?? 0
    guard count != stored.auditSize else { return nil }
    return Finding(
      table: "audit_entries",
      problem: "has \(count) entries where \(stored.auditSize) were written",
      remedy: "run `keyward fsck`, then restore a backup"
    )
  }
}
