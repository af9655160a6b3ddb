import KeywardCrypto
import KeywardModel

/// The checks between a database and its use: rows, the whole, the audit log's size, the age.
struct Opening {
  let database: Database
  let keys: StoreKeys
  let accepting: Set<Acceptance>

  /// The state row as it is stored.
  private struct StoredState {
    let counter: UInt64
    let auditSize: UInt64
    let frontier: [UInt8]
    let mac: [UInt8]
  }

  /// Verifies and loads everything; the anchor is read, not written.
  ///
  /// The counter of the session is never below the anchor's, so the next write makes an accepted
  /// rollback good, together with the audit entry about it.
  func open(anchor: Anchor) throws(StoreError) -> (LoadedState, Session) {
    guard let id = try storeID() else { throw .corrupt("the store's id is missing") }
    var loader = Loader(database, store: id, keys: keys)
    try loader.load()
    var findings = loader.findings
    guard let stored = try readState() else {
      throw .tampered(
        findings + [
          Finding(table: "state", problem: "the row is missing", remedy: "restore a backup")
        ]
      )
    }
    var session = Session(
      keys: keys,
      store: id,
      digest: loader.digest,
      counter: stored.counter,
      auditSize: stored.auditSize,
      frontier: stored.frontier,
      seals: loader.seals,
      terms: loader.terms,
      meta: loader.meta
    )
    if findings.isEmpty, !constantTimeEquals(session.stateMAC, stored.mac) {
      findings.append(Opening.wrongSet)
    }
    if session.meta[.storeID] != id.bytes {
      findings.append(
        Finding(
          table: "meta",
          row: "store_id",
          problem: "does not verify",
          remedy: "restore a backup"
        )
      )
    }
    if let problem = try auditProblem(stored) { findings.append(problem) }
    if !findings.isEmpty && !accepting.contains(.damage) { throw .tampered(findings) }
    // Without its id, or with other keys than its own, there is nothing to accept.
    guard session.meta[.storeID] == id.bytes else { throw .tampered(findings) }
    session.damaged = loader.damaged

    let anchored = try anchor.read(store: id, key: keys.anchorKey)
    let isOlder = anchored.map { stored.counter < $0 } ?? true
    if isOlder && !accepting.contains(.rollback) {
      throw .rollbackDetected(database: stored.counter, anchor: anchored)
    }
    if let anchored, anchored > stored.counter {
      session.storedCounter = stored.counter
      session.counter = anchored
    }
    var accepted: Set<Acceptance> = []
    if isOlder { accepted.insert(.rollback) }
    if !findings.isEmpty { accepted.insert(.damage) }
    return (loaded(loader, session, stored, accepted, findings), session)
  }

  static let wrongSet = Finding(
    table: "state",
    problem: "rows were removed, added or put back from an older copy",
    remedy: "restore a backup"
  )

  private func loaded(
    _ loader: Loader,
    _ session: Session,
    _ stored: StoredState,
    _ accepted: Set<Acceptance>,
    _ findings: [Finding]
  ) -> LoadedState {
    LoadedState(
      store: session.store,
      keys: loader.loadedKeys,
      terms: session.terms,
      seals: session.seals,
      meta: session.meta,
      auditSize: session.auditSize,
      frontier: session.frontier,
      counter: stored.counter,
      accepted: accepted,
      findings: findings
    )
  }

  // MARK: - Parts

  private func storeID() throws(StoreError) -> StoreID? {
    let statement = try database.statement("SELECT value FROM meta WHERE name = 'store_id'")
    defer { statement.reset() }
    return try statement.step() ? StoreID(statement.blob(0)) : nil
  }

  private func readState() throws(StoreError) -> StoredState? {
    let statement = try database.statement(
      "SELECT counter, audit_size, frontier, mac FROM state WHERE id = 1"
    )
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return StoredState(
      counter: UInt64(clamping: statement.int(0)),
      auditSize: UInt64(clamping: statement.int(1)),
      frontier: statement.blob(2),
      mac: statement.blob(3)
    )
  }

  /// Whether the table of the audit log ends where the state says; `fsck` checks all of it.
  private func auditProblem(_ stored: StoredState) throws(StoreError) -> Finding? {
    let last = try database.scalar("SELECT max(idx) FROM audit_entries")
    let count = last.map { UInt64(clamping: $0) + 1 } ?? 0
    guard count != stored.auditSize else { return nil }
    return Finding(
      table: "audit_entries",
      problem: "has \(count) entries where \(stored.auditSize) were written",
      remedy: "run `keyward fsck`, then restore a backup"
    )
  }
}
