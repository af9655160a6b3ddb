import Foundation
import KeywardStore
import Testing

/// The files under schema/ are what the code embeds, and what a new database has.
@Suite
struct SchemaTests {
  private func text(_ path: String) throws -> String {
    try String(contentsOf: Oracle.root.appendingPathComponent(path), encoding: .utf8)
  }

  @Test
  func theMigrationsAreTheFilesByteForByte() throws {
    let folder = Oracle.root.appendingPathComponent("schema/migrations").path
    let files = try names(in: folder)
    #expect(files == Schema.migrations.map { $0.name + ".sql" })
    for (number, migration) in Schema.migrations.enumerated() {
      let file = try text("schema/migrations/\(migration.name).sql")
      #expect("\(migration.sql)" == file)
      let prefix = String(String(10_001 + number).dropFirst())
      #expect(migration.name.hasPrefix(prefix + "_"))
    }
  }

  @Test
  func aNewDatabaseIsTheGoldenOne() throws {
    #expect(try text("schema/database.sql") == Schema.database)
    let scratch = try Scratch()
    _ = try Sample().create(in: scratch("data"))
    let dump = try Oracle.execute(
      "/usr/bin/env",
      [
        ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3", "-c",
        """
        import sqlite3, sys
        database = sqlite3.connect(sys.argv[1])
        rows = database.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL "
            "ORDER BY type DESC, name")
        for (sql,) in rows: print(sql + ";")
        print(database.execute("PRAGMA application_id").fetchone()[0])
        print(database.execute("PRAGMA user_version").fetchone()[0])
        print(database.execute("PRAGMA journal_mode").fetchone()[0])
        print(database.execute("PRAGMA integrity_check").fetchone()[0])
        """,
        scratch("data/keyward.db"),
      ]
    )
    let facts = "\(Schema.applicationID)\n\(Schema.version)\nwal\nok\n"
    #expect(dump == Schema.database + facts)
  }

  /// V36: SQL is a literal; nothing builds it from values.
  @Test
  func sqlIsNeverBuilt() throws {
    let folder = Oracle.root.appendingPathComponent("Sources/KeywardStore")
    let files =
      try names(in: folder.path) + names(in: folder.path + "/SQLite").map { "SQLite/" + $0 }
    var calls = 0
    for file in files where file.hasSuffix(".swift") {
      let source = try text("Sources/KeywardStore/\(file)")
      for call in ["sqlite3_prepare", "sqlite3_exec"] {
        calls += source.components(separatedBy: call).count - 1
      }
      for word in ["SELECT ", "INSERT ", "UPDATE ", "DELETE FROM ", "PRAGMA "] {
        for line in source.components(separatedBy: "\n") where line.contains(word) {
          #expect(!line.contains("\\("), "\(file): \(line)")
        }
      }
    }
    // One prepare and one exec, both of a StaticString.
    #expect(calls == 2)
  }
}
