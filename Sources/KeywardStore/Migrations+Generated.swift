// Made by scripts/embed-schema from schema/migrations. Do not edit.

extension Schema {
  /// The migrations in order; the number of one is its place, from 1.
  package static let migrations: [Migration] = [
    Migration(name: "0001_initial", sql: migration0001),
    Migration(name: "0002_records", sql: migration0002),
  ]

  private static let migration0001: StaticString = #"""
    -- The first schema of a store; docs/storage.md says what each table holds and what its MACs cover.
    -- Applied in one transaction with the version and the application id ("KEYW") of the file header.

    -- Small facts about the store by name: its id, the audit signing key (wrapped), its public half.
    CREATE TABLE meta (
      name TEXT PRIMARY KEY NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
      value BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT, WITHOUT ROWID;

    -- The seals: ways to the root key.
    CREATE TABLE seals (
      slot INTEGER PRIMARY KEY NOT NULL CHECK (slot >= 0),
      record BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT;

    -- The terms of the keyring, wrapped by the root key.
    CREATE TABLE keyring_terms (
      number INTEGER PRIMARY KEY NOT NULL CHECK (number BETWEEN 1 AND 4294967295),
      created_at INTEGER NOT NULL,
      wrapped BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT;

    -- Keys without their material. Times are milliseconds since 1970, UTC.
    CREATE TABLE keys (
      id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
      name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
      type TEXT NOT NULL,
      operations TEXT NOT NULL,
      never_exportable INTEGER NOT NULL CHECK (never_exportable IN (0, 1)),
      deletion_protected INTEGER NOT NULL CHECK (deletion_protected IN (0, 1)),
      allowed_destinations BLOB,
      required_approvals INTEGER NOT NULL CHECK (required_approvals >= 0),
      rotation_period INTEGER CHECK (rotation_period > 0),
      created_at INTEGER NOT NULL,
      deleted_at INTEGER,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT, WITHOUT ROWID;

    -- The name of a deleted key is free again.
    CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE deleted_at IS NULL;

    -- The versions of keys; material is an envelope under a keyring term, empty once destroyed.
    CREATE TABLE key_versions (
      key_id BLOB NOT NULL REFERENCES keys (id),
      number INTEGER NOT NULL CHECK (number >= 1),
      kms_key_id TEXT NOT NULL CHECK (length(kms_key_id) = 30),
      state TEXT NOT NULL,
      origin TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      activated_at INTEGER,
      deactivated_at INTEGER,
      destroy_at INTEGER,
      destroyed_at INTEGER,
      check_value BLOB NOT NULL,
      public_key BLOB NOT NULL,
      material BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32),
      PRIMARY KEY (key_id, number)
    ) STRICT, WITHOUT ROWID;

    -- A key_id is issued once in the life of a store.
    CREATE UNIQUE INDEX key_versions_kms_key_id ON key_versions (kms_key_id);

    -- The audit log: entry and leaf hash by index from 0, without gaps.
    CREATE TABLE audit_entries (
      idx INTEGER PRIMARY KEY NOT NULL CHECK (idx >= 0),
      entry BLOB NOT NULL,
      leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32)
    ) STRICT;

    -- The hash of each full tile of 256 entries, from which proofs are made without reading them all.
    CREATE TABLE audit_tiles (
      idx INTEGER PRIMARY KEY NOT NULL CHECK (idx >= 0),
      hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT;

    -- Signed checkpoints of the audit log, by the size of the tree they sign, with its frontier.
    CREATE TABLE audit_checkpoints (
      size INTEGER PRIMARY KEY NOT NULL CHECK (size >= 0),
      note BLOB NOT NULL,
      frontier BLOB NOT NULL
    ) STRICT;

    -- What happened while the store was sealed, until it can be put into the audit log.
    CREATE TABLE sealed_journal (
      seq INTEGER PRIMARY KEY NOT NULL CHECK (seq BETWEEN 1 AND 10000),
      entry BLOB NOT NULL
    ) STRICT;

    -- How many entries the full journal had no room for.
    CREATE TABLE sealed_journal_dropped (
      id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
      count INTEGER NOT NULL CHECK (count >= 0)
    ) STRICT;

    -- Rows that were taken out because they did not verify, when the operator accepted the damage.
    CREATE TABLE quarantine (
      seq INTEGER PRIMARY KEY NOT NULL,
      source TEXT NOT NULL,
      record BLOB NOT NULL
    ) STRICT;

    -- One row that authenticates the whole: set_macs covers the sets of rows of the five tables with
    -- MACs, mac covers this row.
    CREATE TABLE state (
      id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
      counter INTEGER NOT NULL CHECK (counter >= 1),
      audit_size INTEGER NOT NULL CHECK (audit_size >= 0),
      frontier BLOB NOT NULL,
      set_macs BLOB NOT NULL CHECK (length(set_macs) = 160),
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT;

    PRAGMA application_id = 1262836055; -- 0x4B455957, "KEYW"
    PRAGMA user_version = 1;

    """#

  private static let migration0002: StaticString = #"""
    -- Records: policy, identities, tokens, approvals. Each is a body whose form belongs to its kind
    -- (docs/storage.md), authenticated like every other row.
    CREATE TABLE records (
      kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
      id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 128),
      body BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32),
      PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;

    -- The state row also covers the set of records. Its MACs are made anew by the first write of an
    -- unsealed server; until then it has those of the first form, and there are no records.
    CREATE TABLE new_state (
      id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
      counter INTEGER NOT NULL CHECK (counter >= 1),
      audit_size INTEGER NOT NULL CHECK (audit_size >= 0),
      frontier BLOB NOT NULL,
      set_macs BLOB NOT NULL CHECK (length(set_macs) IN (160, 192)),
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT;
    INSERT INTO new_state (id, counter, audit_size, frontier, set_macs, mac)
      SELECT id, counter, audit_size, frontier, set_macs, mac FROM state;
    DROP TABLE state;
    ALTER TABLE new_state RENAME TO state;

    PRAGMA user_version = 2;

    """#

  /// The statements of sqlite_schema after all migrations: schema/database.sql.
  package static let database: String = #"""
    CREATE TABLE audit_checkpoints (
      size INTEGER PRIMARY KEY NOT NULL CHECK (size >= 0),
      note BLOB NOT NULL,
      frontier BLOB NOT NULL
    ) STRICT;
    CREATE TABLE audit_entries (
      idx INTEGER PRIMARY KEY NOT NULL CHECK (idx >= 0),
      entry BLOB NOT NULL,
      leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32)
    ) STRICT;
    CREATE TABLE audit_tiles (
      idx INTEGER PRIMARY KEY NOT NULL CHECK (idx >= 0),
      hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT;
    CREATE TABLE key_versions (
      key_id BLOB NOT NULL REFERENCES keys (id),
      number INTEGER NOT NULL CHECK (number >= 1),
      kms_key_id TEXT NOT NULL CHECK (length(kms_key_id) = 30),
      state TEXT NOT NULL,
      origin TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      activated_at INTEGER,
      deactivated_at INTEGER,
      destroy_at INTEGER,
      destroyed_at INTEGER,
      check_value BLOB NOT NULL,
      public_key BLOB NOT NULL,
      material BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32),
      PRIMARY KEY (key_id, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE keyring_terms (
      number INTEGER PRIMARY KEY NOT NULL CHECK (number BETWEEN 1 AND 4294967295),
      created_at INTEGER NOT NULL,
      wrapped BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT;
    CREATE TABLE keys (
      id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
      name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
      type TEXT NOT NULL,
      operations TEXT NOT NULL,
      never_exportable INTEGER NOT NULL CHECK (never_exportable IN (0, 1)),
      deletion_protected INTEGER NOT NULL CHECK (deletion_protected IN (0, 1)),
      allowed_destinations BLOB,
      required_approvals INTEGER NOT NULL CHECK (required_approvals >= 0),
      rotation_period INTEGER CHECK (rotation_period > 0),
      created_at INTEGER NOT NULL,
      deleted_at INTEGER,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE meta (
      name TEXT PRIMARY KEY NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
      value BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE quarantine (
      seq INTEGER PRIMARY KEY NOT NULL,
      source TEXT NOT NULL,
      record BLOB NOT NULL
    ) STRICT;
    CREATE TABLE records (
      kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
      id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 128),
      body BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32),
      PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE sealed_journal (
      seq INTEGER PRIMARY KEY NOT NULL CHECK (seq BETWEEN 1 AND 10000),
      entry BLOB NOT NULL
    ) STRICT;
    CREATE TABLE sealed_journal_dropped (
      id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
      count INTEGER NOT NULL CHECK (count >= 0)
    ) STRICT;
    CREATE TABLE seals (
      slot INTEGER PRIMARY KEY NOT NULL CHECK (slot >= 0),
      record BLOB NOT NULL,
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT;
    CREATE TABLE "state" (
      id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
      counter INTEGER NOT NULL CHECK (counter >= 1),
      audit_size INTEGER NOT NULL CHECK (audit_size >= 0),
      frontier BLOB NOT NULL,
      set_macs BLOB NOT NULL CHECK (length(set_macs) IN (160, 192)),
      mac BLOB NOT NULL CHECK (length(mac) = 32)
    ) STRICT;
    CREATE UNIQUE INDEX key_versions_kms_key_id ON key_versions (kms_key_id);
    CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE deleted_at IS NULL;

    """#
}
