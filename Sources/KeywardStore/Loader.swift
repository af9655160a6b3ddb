import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// Reads and verifies every row that carries a MAC.
///
/// Each row is authenticated as SQLite holds it, then parsed, then checked against its neighbours.
/// A row that fails is a finding and is left out; so are the other rows of its key, since a key
/// without one of its versions is not the key that was written.
struct Loader {
  private let database: Database
  private let store: StoreID
  private let keys: StoreKeys
  private var cache = RowCoding.Cache()
  /// The keys, by their id, of version rows that do not verify.
  private var incomplete: Set<[UInt8]> = []

  /// The most findings that are kept.
  static let maximumFindings = 1000

  private(set) var findings: [Finding] = []
  /// All rows that were left out.
  private(set) var damaged: [DamagedRow] = []
  /// The sums over the rows that were not left out.
  private(set) var digests = TableDigests()

  private(set) var meta: [MetaName: [UInt8]] = [:]
  private(set) var seals: [StoredSeal] = []
  private(set) var terms: [WrappedTerm] = []
  private(set) var loadedKeys: [Key] = []
  private(set) var records: [StoredRecord] = []

  init(_ database: Database, store: StoreID, keys: StoreKeys) {
    self.database = database
    self.store = store
    self.keys = keys
  }

  /// Loads all tables; findings are collected, SQLite's own errors are thrown.
  mutating func load() throws(StoreError) {
    try loadMeta()
    try loadSeals()
    try loadTerms()
    try loadKeys()
    try loadRecords()
  }

  // MARK: - Small tables

  private mutating func loadMeta() throws(StoreError) {
    try scan(.meta) { loader, row, element in
      guard let name = MetaName(rawValue: row.text(0)) else { return "has an unknown name" }
      loader.meta[name] = row.blob(1)
      loader.digests[.meta].add(element)
      return nil
    }
  }

  private mutating func loadSeals() throws(StoreError) {
    try scan(.seals) { loader, row, element in
      loader.seals.append(StoredSeal(slot: row.int(0), record: row.blob(1)))
      loader.digests[.seals].add(element)
      return nil
    }
  }

  private mutating func loadTerms() throws(StoreError) {
    try scan(.terms) { loader, row, element in
      guard let number = UInt32(exactly: row.int(0)) else { return "has no term number" }
      loader.terms.append(
        WrappedTerm(
          number: number,
          createdAt: Timestamp(milliseconds: row.int(1)),
          wrapped: row.blob(2)
        )
      )
      loader.digests[.terms].add(element)
      return nil
    }
  }

  private mutating func loadRecords() throws(StoreError) {
    try scan(.records) { loader, row, element in
      guard let kind = RecordKind(rawValue: row.text(0)) else {
        return "is of a kind that this keyward does not know"
      }
      loader.records.append(StoredRecord(kind: kind, id: row.text(1), body: row.blob(2)))
      loader.digests[.records].add(element)
      return nil
    }
  }

  // MARK: - Keys

  /// A key of which the versions are still to come.
  private struct Pending {
    let row: RowCoding.KeyRow
    let element: SetDigest
  }

  private mutating func loadKeys() throws(StoreError) {
    var pending: [Pending] = []
    try scan(.keys) { loader, row, element in
      do throws(RowCoding.Unknown) {
        let key = try RowCoding.key(row, &loader.cache)
        if let last = pending.last, !loader.isAscending(last.row.id, key.id) {
          return "is out of its place in the table"
        }
        pending.append(Pending(row: key, element: element))
        return nil
      } catch {
        return "has a \(error.column) that this keyward does not know"
      }
    }
    loadedKeys.reserveCapacity(pending.count)
    var next = 0
    var versions: [KeyVersion] = []
    var sum = SetDigest()
    // Both tables come in the order of key ids, so one pass joins them.
    try scan(.versions) { loader, row, element in
      guard let id = KeyID(row.blob(0)) else { return "has no key id" }
      while next < pending.count, loader.isAscending(pending[next].row.id, id) {
        loader.finish(pending[next], versions, sum)
        versions = []
        sum = SetDigest()
        next += 1
      }
      guard next < pending.count, pending[next].row.id == id else { return "has no valid key" }
      do throws(RowCoding.Unknown) {
        versions.append(try RowCoding.version(row, &loader.cache))
        sum.add(element)
        return nil
      } catch {
        return "has a \(error.column) that this keyward does not know"
      }
    }
    for key in pending[next...] {
      finish(key, versions, sum)
      versions = []
      sum = SetDigest()
    }
    dropIncompleteKeys()
  }

  /// Takes out the keys that lost a version at their end, where no gap shows it.
  private mutating func dropIncompleteKeys() {
    guard !incomplete.isEmpty else { return }
    for key in loadedKeys where incomplete.contains(key.id.bytes) {
      report(
        Finding(
          table: RowTable.keys.name,
          row: "\(key.id) (\(key.name))",
          problem: "a version does not verify",
          remedy: "restore a backup"
        )
      )
      for row in giveUp(key) { digests[row.table].remove(element(of: row)) }
    }
    loadedKeys.removeAll { incomplete.contains($0.id.bytes) }
  }

  private func element(of row: DamagedRow) -> SetDigest {
    guard case .blob(let mac) = row.mac else { return SetDigest() }
    return SetDigest.element(of: mac, keys.setKey)
  }

  private mutating func finish(_ pending: Pending, _ versions: [KeyVersion], _ sum: SetDigest) {
    let gap = versions.indices.first { versions[$0].number != $0 + 1 }
    let missing = gap.map { $0 + 1 } ?? (versions.isEmpty ? 1 : nil)
    if let missing {
      let key = pending.row.key(versions: versions)
      report(
        Finding(
          table: RowTable.keys.name,
          row: "\(key.id) (\(key.name))",
          problem: "version \(missing) is missing or does not verify",
          remedy: "restore a backup"
        )
      )
      giveUp(key)
      return
    }
    digests[.keys].add(pending.element)
    digests[.versions].add(sum)
    loadedKeys.append(pending.row.key(versions: versions))
  }

  /// Marks the valid rows of a key that is not whole as damaged.
  @discardableResult
  private mutating func giveUp(_ key: Key) -> [DamagedRow] {
    var columns: [(RowTable, [ColumnValue])] = [(.keys, RowCoding.columns(key))]
    for version in key.versions {
      columns.append((.versions, RowCoding.columns(version, of: key.id)))
    }
    let rows = columns.map { table, columns in
      var record = RowRecord(table: table, store: store)
      record.set(columns)
      let mac = keys.rowKey.authenticate(record.bytes)
      return DamagedRow(table: table, columns: columns, mac: ColumnValue(mac))
    }
    damaged += rows
    return rows
  }

  private func isAscending(_ left: KeyID, _ right: KeyID) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// Keeps a finding; with the wrong keys every row is one, so they are cut off.
  private mutating func report(_ finding: Finding) {
    if findings.count < Loader.maximumFindings { findings.append(finding) }
  }

  // MARK: - One table

  /// Compares a MAC with a column, in time that depends on the lengths alone.
  private static func equals(_ row: Statement, _ column: Int32, _ mac: [UInt8]) -> Bool {
    row.withBytes(column) { stored in
      guard stored.count == mac.count else { return false }
      var difference: UInt8 = 0
      for index in mac.indices { difference |= mac[index] ^ stored[index] }
      return difference == 0
    }
  }

  /// Authenticates each row of a table, then hands it to `accept` with its element, which returns
  /// what is wrong with it, if anything.
  private mutating func scan(
    _ table: RowTable,
    _ accept: (inout Loader, Statement, SetDigest) -> String?
  ) throws(StoreError) {
    var record = RowRecord(table: table, store: store)
    let columns = table.columns
    let statement = try database.statement(table.select)
    defer { statement.reset() }
    while try statement.step() {
      record.set(statement, columns: columns)
      let mac = keys.rowKey.authenticate(record.bytes)
      let problem: String?
      if Loader.equals(statement, columns, mac) {
        problem = accept(&self, statement, SetDigest.element(of: mac, keys.setKey))
      } else {
        problem = "was edited, exchanged or damaged: its MAC does not verify"
      }
      guard let problem else { continue }
      let values = (0..<columns).map { statement.value($0) }
      if table == .versions, case .blob(let id) = values[0] { incomplete.insert(id) }
      report(
        Finding(
          table: table.name,
          row: table.rowName(values),
          problem: problem,
          remedy: "restore a backup"
        )
      )
      damaged.append(
        DamagedRow(table: table, columns: values, mac: statement.value(columns))
      )
    }
  }
}
