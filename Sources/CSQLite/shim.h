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

// Reads bytes of the main database's file through SQLite's own descriptor. Opening the file beside
// it is out of the question: closing that descriptor would drop SQLite's POSIX locks.
static inline int kw_sqlite_read(sqlite3 *db, void *buffer, int count, sqlite3_int64 offset) {
  sqlite3_file *file = 0;
  int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK) return code;
  return file->pMethods->xRead(file, buffer, count, offset);
}

static inline int kw_sqlite_size(sqlite3 *db, sqlite3_int64 *size) {
  sqlite3_file *file = 0;
  int code = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (code != SQLITE_OK) return code;
  return file->pMethods->xFileSize(file, size);
}

// memmem(3) is a GNU extension, which Swift's Glibc does not show.
extern void *memmem(const void *, unsigned long, const void *, unsigned long);
static inline int kw_contains(const void *bytes, long count, const void *part, long length) {
  return memmem(bytes, (unsigned long)count, part, (unsigned long)length) != 0;
}
