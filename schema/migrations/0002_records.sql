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
