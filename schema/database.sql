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
