import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// One transaction: writes rows with their MACs, and keeps the digests over the sets in step.
final class SQLiteTransaction: SQLiteReader, StoreTransaction {
  private(set) var session: Session
  /// Envelopes that are removed, of which no copy may stay.
  private(set) var owed: [[UInt8]] = []
  private var records: [RowTable: RowRecord] = [:]

  init(_ database: Database, _ session: Session) {
    self.session = session
    super.init(database)
  }

  /// Also refuses what comes after a transaction that SQLite ended by itself, as it may when the
  /// disk is full: it would be written outside of any transaction, whoever swallowed that error.
  override func checkValid() throws(StoreError) {
    try super.checkValid()
    guard database.isInTransaction else { throw .full }
  }

  // MARK: - Keys

  func insertKey(_ key: Key) throws {
    // A key without its first version would not load again.
    guard !key.versions.isEmpty,
      key.versions.indices.allSatisfy({ key.versions[$0].number == $0 + 1 })
    else { throw StoreError.misuse("a key has versions from 1 without gaps") }
    try insert(.keys, RowCoding.columns(key))
    for version in key.versions { try insertVersion(version, of: key.id) }
  }

  func updateKey(_ key: Key, from old: Key) throws {
    guard key.id == old.id else { throw StoreError.misuse("a key keeps its id") }
    try replace(.keys, RowCoding.columns(old), with: RowCoding.columns(key))
  }

  func insertVersion(_ version: KeyVersion, of key: KeyID) throws {
    try insert(.versions, RowCoding.columns(version, of: key))
  }

  func updateVersion(_ version: KeyVersion, from old: KeyVersion, of key: KeyID) throws {
    guard version.number == old.number else {
      throw StoreError.misuse("a version keeps its number")
    }
    try replace(
      .versions,
      RowCoding.columns(old, of: key),
      with: RowCoding.columns(version, of: key)
    )
  }

  // MARK: - Seals, terms, facts

  func putSeal(_ seal: StoredSeal) throws {
    if let index = session.seals.firstIndex(where: { $0.slot == seal.slot }) {
      try replace(.seals, columns(session.seals[index]), with: columns(seal))
      session.seals[index] = seal
    } else {
      try insert(.seals, columns(seal))
      session.seals.append(seal)
      session.seals.sort { $0.slot < $1.slot }
    }
  }

  func removeSeal(slot: Int64) throws {
    guard let index = session.seals.firstIndex(where: { $0.slot == slot }) else { return }
    try delete(.seals, columns(session.seals[index]))
    session.seals.remove(at: index)
  }

  func insertTerm(_ term: WrappedTerm) throws {
    try insert(.terms, columns(term))
    session.terms.append(term)
    session.terms.sort { $0.number < $1.number }
  }

  func removeTerm(_ number: UInt32) throws {
    guard let index = session.terms.firstIndex(where: { $0.number == number }) else { return }
    try delete(.terms, columns(session.terms[index]))
    session.terms.remove(at: index)
  }

  func setMeta(_ name: MetaName, _ value: [UInt8]) throws {
    guard name != .storeID || session.meta[name] == nil else {
      throw StoreError.misuse("a store keeps its id")
    }
    let columns = [ColumnValue(name.rawValue), ColumnValue(value)]
    if let old = session.meta[name] {
      try replace(.meta, [ColumnValue(name.rawValue), ColumnValue(old)], with: columns)
    } else {
      try insert(.meta, columns)
    }
    session.meta[name] = value
  }

  // MARK: - Records

  func insertRecord(_ record: StoredRecord) throws {
    try insert(.records, columns(record))
  }

  func updateRecord(_ record: StoredRecord, from old: StoredRecord) throws {
    guard record.kind == old.kind, record.id == old.id else {
      throw StoreError.misuse("a record keeps its kind and id")
    }
    try replace(.records, columns(old), with: columns(record))
  }

  func deleteRecord(_ old: StoredRecord) throws {
    try delete(.records, columns(old))
  }

  private func columns(_ record: StoredRecord) -> [ColumnValue] {
    [
      ColumnValue(record.kind.rawValue), ColumnValue(record.id), ColumnValue(record.body),
    ]
  }

  private func columns(_ seal: StoredSeal) -> [ColumnValue] {
    [ColumnValue(seal.slot), ColumnValue(seal.record)]
  }

  private func columns(_ term: WrappedTerm) -> [ColumnValue] {
    [
      ColumnValue(Int64(term.number)), ColumnValue(term.createdAt.milliseconds),
      ColumnValue(term.wrapped),
    ]
  }

  func oweScrub(of removed: [[UInt8]]) throws {
    try checkValid()
    owed += removed
  }

  // MARK: - Audit

  func appendAudit(index: UInt64, entry: [UInt8], leafHash: [UInt8]) throws {
    try checkValid()
    guard index == session.auditSize, index < UInt64(Int64.max) else {
      throw StoreError.misuse("audit entry \(index) after \(session.auditSize) entries")
    }
    let statement = try database.statement(
      "INSERT INTO audit_entries (idx, entry, leaf_hash) VALUES (?1, ?2, ?3)"
    )
    try statement.bind(1, Int64(index))
    try statement.bind(2, entry)
    try statement.bind(3, leafHash)
    try statement.run()
    session.auditSize += 1
  }

  func setFrontier(_ frontier: [UInt8]) throws {
    try checkValid()
    session.frontier = frontier
  }

  func insertTile(index: UInt64, hash: [UInt8]) throws {
    try checkValid()
    let statement = try database.statement("INSERT INTO audit_tiles (idx, hash) VALUES (?1, ?2)")
    try statement.bind(1, Int64(clamping: index))
    try statement.bind(2, hash)
    try statement.run()
  }

  func insertCheckpoint(_ checkpoint: StoredCheckpoint) throws {
    try checkValid()
    guard checkpoint.size <= session.auditSize else {
      throw StoreError.misuse(
        "a checkpoint of \(checkpoint.size) entries, of which there are fewer"
      )
    }
    let statement = try database.statement(
      "INSERT OR REPLACE INTO audit_checkpoints (size, note, frontier) VALUES (?1, ?2, ?3)"
    )
    try statement.bind(1, Int64(checkpoint.size))
    try statement.bind(2, checkpoint.note)
    try statement.bind(3, checkpoint.frontier)
    try statement.run()
  }

  func drainJournal() throws -> DrainedJournal {
    try checkValid()
    let statement = try database.statement("SELECT entry FROM sealed_journal ORDER BY seq")
    defer { statement.reset() }
    var entries: [[UInt8]] = []
    while try statement.step() { entries.append(statement.blob(0)) }
    let dropped = try database.scalar("SELECT count FROM sealed_journal_dropped") ?? 0
    try database.statement("DELETE FROM sealed_journal").run()
    try database.statement("DELETE FROM sealed_journal_dropped").run()
    return DrainedJournal(entries: entries, dropped: dropped)
  }

  // MARK: - Parts

  func savepoint<R>(_ body: () throws -> R) throws -> R {
    try checkValid()
    let before = (session, owed)
    try database.statement("SAVEPOINT part").run()
    do {
      let result = try body()
      try database.statement("RELEASE part").run()
      return result
    } catch {
      (session, owed) = before
      // SQLite may have ended the whole transaction; there is no part to undo then.
      guard database.isInTransaction else { throw error }
      try database.execute("ROLLBACK TO part; RELEASE part")
      throw error
    }
  }

  // MARK: - The end

  /// Writes the state row for what was done; the commit comes right after.
  func writeState() throws {
    try checkValid()
    let before = session.storedCounter ?? session.counter
    session.counter += 1
    session.storedCounter = nil
    let statement = try database.statement(
      """
      UPDATE state SET counter = ?1, audit_size = ?2, frontier = ?3, set_macs = ?4, mac = ?5
      WHERE id = 1 AND counter = ?6
      """
    )
    try statement.bind(6, Int64(clamping: before))
    try runState(statement)
    guard database.changes == 1 else { throw StoreError.conflict("the state row") }
  }

  /// Writes the state row of a store that has none.
  func writeFirstState() throws {
    session.counter = 1
    try runState(
      try database.statement(
        """
        INSERT INTO state (id, counter, audit_size, frontier, set_macs, mac)
        VALUES (1, ?1, ?2, ?3, ?4, ?5)
        """
      )
    )
  }

  private func runState(_ statement: Statement) throws(StoreError) {
    let setMACs = session.setMACs
    try statement.bind(1, Int64(clamping: session.counter))
    try statement.bind(2, Int64(clamping: session.auditSize))
    try statement.bind(3, session.frontier)
    try statement.bind(4, setMACs)
    try statement.bind(5, session.stateMAC(setMACs: setMACs))
    try statement.run()
  }

  /// Moves rows aside that the operator gave up; their places are free afterwards.
  func moveDamagedRowsAside() throws {
    // Versions first: they refer to keys.
    let damaged =
      session.damaged.filter { $0.table == .versions }
      + session.damaged.filter { $0.table != .versions }
    session.damaged = []
    for row in damaged {
      var record = RowRecord(table: row.table, store: session.store)
      record.set(row.columns + [row.mac])
      let keep = try database.statement("INSERT INTO quarantine (source, record) VALUES (?1, ?2)")
      try keep.bind(1, row.table.name)
      try keep.bind(2, record.bytes)
      try keep.run()
      let delete = try database.statement(row.table.delete)
      let keyColumns = row.table.keyColumns
      for index in 0..<keyColumns { try delete.bind(Int32(index + 1), row.columns[index]) }
      try delete.bind(Int32(keyColumns + 1), row.mac)
      try delete.run()
      guard database.changes == 1 else {
        throw StoreError.corrupt("a row of \(row.table.name) cannot be found by its key")
      }
    }
  }

  // MARK: - Rows with a MAC

  private func insert(_ table: RowTable, _ values: [ColumnValue]) throws {
    try checkValid()
    let mac = mac(table, values)
    let statement = try database.statement(table.insert)
    try bind(values, mac, to: statement)
    try statement.run()
    session.digests[table].add(SetDigest.element(of: mac, session.keys.setKey))
  }

  private func replace(
    _ table: RowTable,
    _ old: [ColumnValue],
    with new: [ColumnValue]
  ) throws {
    try checkValid()
    let oldMAC = mac(table, old)
    let newMAC = mac(table, new)
    let statement = try database.statement(table.replace)
    try bind(new, newMAC, to: statement)
    try statement.bind(Int32(new.count + 2), oldMAC)
    try statement.run()
    guard database.changes == 1 else { throw StoreError.conflict(words(table, old)) }
    session.digests[table].remove(SetDigest.element(of: oldMAC, session.keys.setKey))
    session.digests[table].add(SetDigest.element(of: newMAC, session.keys.setKey))
  }

  private func delete(_ table: RowTable, _ old: [ColumnValue]) throws {
    try checkValid()
    let oldMAC = mac(table, old)
    let statement = try database.statement(table.delete)
    for index in 0..<table.keyColumns { try statement.bind(Int32(index + 1), old[index]) }
    try statement.bind(Int32(table.keyColumns + 1), oldMAC)
    try statement.run()
    guard database.changes == 1 else { throw StoreError.conflict(words(table, old)) }
    session.digests[table].remove(SetDigest.element(of: oldMAC, session.keys.setKey))
  }

  private func mac(_ table: RowTable, _ values: [ColumnValue]) -> [UInt8] {
    records[table, default: RowRecord(table: table, store: session.store)].set(values)
    return session.keys.rowKey.authenticate(records[table]?.bytes ?? [])
  }

  private func bind(
    _ values: [ColumnValue],
    _ mac: [UInt8],
    to statement: Statement
  ) throws(StoreError) {
    for (index, value) in values.enumerated() { try statement.bind(Int32(index + 1), value) }
    try statement.bind(Int32(values.count + 1), mac)
  }

  private func words(_ table: RowTable, _ values: [ColumnValue]) -> String {
    "\(table.name) \(table.rowName(values))"
  }
}
