"""Makes edited copies of a store's database with SQLite's own library, for the tests of the store.

usage: store_mutate.py DATABASE OLDER OUT

Every copy has one edit of the kind that somebody with the file could make: cells of a column
exchanged, a column edited, a row deleted, doubled under another key, or put back from OLDER. Prints
one line for each copy: file, table, name of the row, what was done; separated by tabs.
"""

import pathlib
import shutil
import sqlite3
import sys

TABLES = {
    "meta": ["name"],
    "seals": ["slot"],
    "keyring_terms": ["number"],
    "keys": ["id"],
    "key_versions": ["key_id", "number"],
    "records": ["kind", "id"],
    "state": ["id"],
}


def connect(path):
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = DELETE")
    database.execute("PRAGMA ignore_check_constraints = ON")
    database.execute("PRAGMA foreign_keys = OFF")
    return database


def columns(database, table):
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def rows(database, table):
    return database.execute(f"SELECT * FROM {table} ORDER BY {', '.join(TABLES[table])}").fetchall()


def words(value):
    return value.hex() if isinstance(value, bytes) else str(value)


def edited(value):
    """Another value of the same type."""
    if value is None:
        return 7
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\0"
    return {"active": "deactivated", "aes-256": "aes-128"}.get(value, value[:-1] + "x")


class Copies:
    def __init__(self, source, out):
        self.source, self.out, self.count = source, pathlib.Path(out), 0

    def make(self, table, row, what, statements):
        path = self.out / f"{self.count}.db"
        shutil.copyfile(self.source, path)
        database = connect(path)
        try:
            for sql, values in statements:
                if database.execute(sql, values).rowcount != 1:
                    raise sqlite3.IntegrityError("nothing was changed")
        except (sqlite3.IntegrityError, sqlite3.OperationalError) as problem:
            # A unique index or a type refuses some edits; the file is not changed then.
            database.close()
            path.unlink()
            print(f"not made: {table} {row} {what}: {problem}", file=sys.stderr)
            return
        database.close()
        print(path.name, table, row, what, sep="\t")
        self.count += 1


def main():
    source, older, out = sys.argv[1:]
    copies = Copies(source, out)
    database, before = connect(source), connect(older)
    for table, key in TABLES.items():
        names = columns(database, table)
        content = rows(database, table)
        where = " AND ".join(f"{name} = ?" for name in key)

        def name(row):
            return "/".join(words(value) for value in row[: len(key)])

        for column in names[len(key) :]:
            at = names.index(column)
            sql = f"UPDATE {table} SET {column} = ? WHERE {where}"
            for row in content[:3]:
                what = f"{column} edited"
                copies.make(table, name(row), what, [(sql, (edited(row[at]), *row[: len(key)]))])
            for first, second in zip(content, content[1:]):
                if first[at] == second[at]:
                    continue
                copies.make(
                    table,
                    name(first),
                    f"{column} exchanged with {name(second)}",
                    [
                        (sql, ("x" if isinstance(first[at], str) else first[at], *second[: len(key)])),
                        (sql, (second[at], *first[: len(key)])),
                        (sql, (first[at], *second[: len(key)])),
                    ],
                )
        for row in content:
            copies.make(table, name(row), "deleted", [(f"DELETE FROM {table} WHERE {where}", row[: len(key)])])
        for row in content[:3]:
            doubled = list(row)
            doubled[len(key) - 1] = edited(doubled[len(key) - 1])
            marks = ", ".join("?" * len(row))
            copies.make(table, name(doubled), "doubled", [(f"INSERT INTO {table} VALUES ({marks})", doubled)])
        known = {row[: len(key)]: row for row in rows(before, table)}
        for row in content:
            old = known.get(row[: len(key)])
            if old is not None and old != row:
                settings = ", ".join(f"{column} = ?" for column in names)
                sql = f"UPDATE {table} SET {settings} WHERE {where}"
                copies.make(table, name(row), "put back as it was", [(sql, (*old, *row[: len(key)]))])
    # A whole key with its versions, and the whole table of versions as it was.
    for row in rows(database, "keys"):
        versions = database.execute("SELECT count(*) FROM key_versions WHERE key_id = ?", row[:1]).fetchone()[0]
        deletes = [("DELETE FROM key_versions WHERE key_id = ? AND number = ?", (row[0], n + 1)) for n in range(versions)]
        copies.make("keys", words(row[0]), "deleted whole", deletes + [("DELETE FROM keys WHERE id = ?", row[:1])])


if __name__ == "__main__":
    main()
