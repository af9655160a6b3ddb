// SQLite, and its variadic functions and pointer macros in a form that Swift imports.
#pragma once
#include <sqlite3.h>

/// SQLITE_CONFIG_URI off: a path that begins with "file:" is a path, without parameters.
static inline int kw_sqlite_config_no_uri(void) { return sqlite3_config(SQLITE_CONFIG_URI, 0); }

/// SQLITE_CONFIG_MEMSTATUS off: no lock around each allocation.
static inline int kw_sqlite_config_no_memory_statistics(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/// sqlite3_db_config for the options that take a switch; SQLITE_ERROR if it did not take.
static inline int kw_sqlite_db_config(sqlite3 *db, int option, int on) {
  int now = -1;
  int rc = sqlite3_db_config(db, option, on, &now);
  return rc != SQLITE_OK ? rc : now == on ? SQLITE_OK : SQLITE_ERROR;
}

/// Binds a copy of the bytes; an empty blob is not NULL.
static inline int kw_sqlite_bind_blob(sqlite3_stmt *s, int i, const void *bytes, int count) {
  return count == 0 ? sqlite3_bind_zeroblob(s, i, 0)
                    : sqlite3_bind_blob(s, i, bytes, count, SQLITE_TRANSIENT);
}

/// Binds a copy of UTF-8 text; empty text is not NULL, whatever its address.
static inline int kw_sqlite_bind_text(sqlite3_stmt *s, int i, const void *text, int count) {
  return sqlite3_bind_text(s, i, count == 0 ? "" : (const char *)text, count, SQLITE_TRANSIENT);
}

// Extended result codes are expressions, which Swift does not import.
enum {
  KW_SQLITE_IOERR_CORRUPTFS = SQLITE_IOERR_CORRUPTFS,
  KW_SQLITE_IOERR_SHORT_READ = SQLITE_IOERR_SHORT_READ,
  KW_SQLITE_IOERR_WRITE = SQLITE_IOERR_WRITE,
};
