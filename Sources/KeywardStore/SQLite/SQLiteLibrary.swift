import CSQLite

/// The process-wide settings of SQLite, made once before the first connection.
enum SQLiteLibrary {
  /// Whether the settings took; false if something opened SQLite before.
  ///
  /// Debian builds SQLite with URI names on, where a path that begins with `file:` carries
  /// parameters; that is off here.
  static let isConfigured: Bool = {
    kw_sqlite_config_no_uri() == SQLITE_OK
      && kw_sqlite_config_no_memory_statistics() == SQLITE_OK
      && sqlite3_initialize() == SQLITE_OK
  }()
}

/// The library's version, for the log.
///
/// All versions from 3.7.0 to 3.51.2 can lose commits when two connections checkpoint at once
/// (sqlite.org/wal.html), Debian 12's 3.40.1 among them: a store has exactly one connection.
package func sqliteVersion() -> String {
  String(cString: sqlite3_libversion())
}
