import KeywardKeyring
import KeywardModel

/// Reads on the store's connection, under its lock.
class SQLiteReader: StoreReader {
  let database: Database
  private var isOver = false

  init(_ database: Database) {
    self.database = database
  }

  /// Ends the validity of this value: a reference that escaped is refused from now on.
  final func end() {
    isOver = true
  }

  /// Refuses a reader that is over.
  func checkValid() throws(StoreError) {
    guard !isOver else { throw .misuse("a transaction was used after its end") }
  }

  final func auditEntries(from index: UInt64, limit: Int) throws -> [StoredAuditEntry] {
    try checkValid()
    let statement = try database.statement(
      "SELECT idx, entry, leaf_hash FROM audit_entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2"
    )
    defer { statement.reset() }
    try statement.bind(1, Int64(clamping: index))
    try statement.bind(2, Int64(max(limit, 0)))
    var entries: [StoredAuditEntry] = []
    while try statement.step() {
      entries.append(
        StoredAuditEntry(
          index: UInt64(clamping: statement.int(0)),
          entry: statement.blob(1),
          leafHash: statement.blob(2)
        )
      )
    }
    return entries
  }

  final func leafHashes(_ range: Range<UInt64>) throws -> [[UInt8]] {
    try hashes(
      "SELECT leaf_hash FROM audit_entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx",
      range
    )
  }

  final func tileHashes(_ range: Range<UInt64>) throws -> [[UInt8]] {
    try hashes("SELECT hash FROM audit_tiles WHERE idx >= ?1 AND idx < ?2 ORDER BY idx", range)
  }

  final func auditCount() throws -> UInt64 {
    try checkValid()
    guard let last = try database.scalar("SELECT max(idx) FROM audit_entries") else { return 0 }
    return UInt64(clamping: last) + 1
  }

  final func checkpoints(from size: UInt64, limit: Int) throws -> [StoredCheckpoint] {
    try checkValid()
    let statement = try database.statement(
      """
      SELECT size, note, frontier FROM audit_checkpoints WHERE size >= ?1 ORDER BY size LIMIT ?2
      """
    )
    defer { statement.reset() }
    try statement.bind(1, Int64(clamping: size))
    try statement.bind(2, Int64(max(limit, 0)))
    var checkpoints: [StoredCheckpoint] = []
    while try statement.step() { checkpoints.append(checkpoint(statement)) }
    return checkpoints
  }

  final func latestCheckpoint() throws -> StoredCheckpoint? {
    try checkValid()
    let statement = try database.statement(
      """
      SELECT size, note, frontier FROM audit_checkpoints
      WHERE size <= (SELECT audit_size FROM state) ORDER BY size DESC LIMIT 1
      """
    )
    defer { statement.reset() }
    return try statement.step() ? checkpoint(statement) : nil
  }

  private func checkpoint(_ row: Statement) -> StoredCheckpoint {
    StoredCheckpoint(
      size: UInt64(clamping: row.int(0)),
      note: row.blob(1),
      frontier: row.blob(2)
    )
  }

  private func hashes(_ sql: StaticString, _ range: Range<UInt64>) throws -> [[UInt8]] {
    try checkValid()
    let statement = try database.statement(sql)
    defer { statement.reset() }
    try statement.bind(1, Int64(clamping: range.lowerBound))
    try statement.bind(2, Int64(clamping: range.upperBound))
    var hashes: [[UInt8]] = []
    while try statement.step() { hashes.append(statement.blob(0)) }
    return hashes
  }
}
