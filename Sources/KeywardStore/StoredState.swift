/// The state row as the database holds it.
struct StoredState {
  let counter: UInt64
  let auditSize: UInt64
  let frontier: [UInt8]
  let setMACs: [UInt8]
  let mac: [UInt8]

  /// Reads the row; nil if it is missing.
  static func read(_ database: Database) throws(StoreError) -> StoredState? {
    let statement = try database.statement(
      "SELECT counter, audit_size, frontier, set_macs, mac FROM state WHERE id = 1"
    )
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return StoredState(
      counter: UInt64(clamping: statement.int(0)),
      auditSize: UInt64(clamping: statement.int(1)),
      frontier: statement.blob(2),
      setMACs: statement.blob(3),
      mac: statement.blob(4)
    )
  }
}
