/// One step of the schema, applied once in a transaction of its own.
package struct Migration: Sendable {
  package let name: String
  package let sql: StaticString
}

/// The schema of the database; the statements are embedded from the files in schema/.
package enum Schema {
  /// The application id in the header of the file: "KEYW".
  package static let applicationID: Int64 = 0x4b45_5957

  /// The number of the newest schema, kept as `user_version` in the header.
  package static var version: Int { migrations.count }

  /// Checks that a database is empty or Keyward's, and not from a later version; only reads.
  static func checkOwner(of database: Database) throws(StoreError) {
    let application = try database.scalar("PRAGMA application_id") ?? 0
    let found = try database.scalar("PRAGMA user_version") ?? 0
    let objects = try database.scalar("SELECT count(*) FROM sqlite_schema") ?? 0
    if application == 0 && found == 0 && objects == 0 { return }
    guard application == applicationID else { throw .foreignDatabase(path: database.path) }
    guard found <= Int64(version) else {
      throw .newerSchema(found: Int(clamping: found), known: version)
    }
    guard found > 0 else { throw .corrupt("the schema's version is lost") }
  }

  /// Applies the migrations that the database does not have, each in its own transaction, and
  /// checks the result against `database`.
  static func migrate(_ database: Database) throws(StoreError) {
    let found = Int(clamping: try database.scalar("PRAGMA user_version") ?? 0)
    guard (0...version).contains(found) else {
      throw .newerSchema(found: found, known: version)
    }
    for migration in migrations[found...] {
      try database.execute("BEGIN IMMEDIATE")
      do {
        try database.execute(migration.sql)
        try database.execute("COMMIT")
      } catch {
        if database.isInTransaction { try database.execute("ROLLBACK") }
        throw error
      }
    }
    try check(database)
  }

  /// Refuses a database that holds other objects than those of `schema/database.sql`.
  static func check(_ database: Database) throws(StoreError) {
    // By bytes: equal texts in the sense of Unicode are not equal statements.
    guard try dump(database).utf8.elementsEqual(Schema.database.utf8) else {
      throw .corrupt("its schema was changed by something else than keyward")
    }
  }

  /// The statements of all objects, in the form of schema/database.sql.
  static func dump(_ database: Database) throws(StoreError) -> String {
    let statement = try database.statement(
      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name"
    )
    defer { statement.reset() }
    var text = ""
    while try statement.step() { text += statement.text(0) + ";\n" }
    return text
  }
}
