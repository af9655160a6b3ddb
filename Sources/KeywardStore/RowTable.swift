import KeywardModel

/// The tables whose rows carry a MAC, with their statements.
///
/// Columns come in one order everywhere: the primary key, the other columns, then the MAC. In
/// `replace` and `delete` the last parameter is the MAC of the row as it was, so that a row that is
/// not as its writer knew it is left alone.
enum RowTable: String, CaseIterable, Sendable {
  case meta
  case seals
  case terms = "keyring_terms"
  case keys
  case versions = "key_versions"
  case records

  var name: String { rawValue }

  /// The place in the order of `allCases`.
  var place: Int {
    switch self {
    case .meta: 0
    case .seals: 1
    case .terms: 2
    case .keys: 3
    case .versions: 4
    case .records: 5
    }
  }

  /// The columns without the MAC.
  var columns: Int32 {
    switch self {
    case .meta, .seals: 2
    case .terms, .records: 3
    case .keys: 11
    case .versions: 13
    }
  }

  /// How many of them, from the first, are the primary key.
  var keyColumns: Int { self == .versions || self == .records ? 2 : 1 }

  /// All rows in the order of the primary key.
  var select: StaticString {
    switch self {
    case .meta: "SELECT name, value, mac FROM meta ORDER BY name"
    case .seals: "SELECT slot, record, mac FROM seals ORDER BY slot"
    case .terms: "SELECT number, created_at, wrapped, mac FROM keyring_terms ORDER BY number"
    case .keys:
      """
      SELECT id, name, type, operations, never_exportable, deletion_protected,
        allowed_destinations, required_approvals, rotation_period, created_at, deleted_at, mac
      FROM keys ORDER BY id
      """
    case .versions:
      """
      SELECT key_id, number, kms_key_id, state, origin, created_at, activated_at, deactivated_at,
        destroy_at, destroyed_at, check_value, public_key, material, mac
      FROM key_versions ORDER BY key_id, number
      """
    case .records: "SELECT kind, id, body, mac FROM records ORDER BY kind, id"
    }
  }

  var insert: StaticString {
    switch self {
    case .meta: "INSERT INTO meta (name, value, mac) VALUES (?1, ?2, ?3)"
    case .seals: "INSERT INTO seals (slot, record, mac) VALUES (?1, ?2, ?3)"
    case .terms:
      "INSERT INTO keyring_terms (number, created_at, wrapped, mac) VALUES (?1, ?2, ?3, ?4)"
    case .keys:
      """
      INSERT INTO keys (id, name, type, operations, never_exportable, deletion_protected,
        allowed_destinations, required_approvals, rotation_period, created_at, deleted_at, mac)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
      """
    case .versions:
      """
      INSERT INTO key_versions (key_id, number, kms_key_id, state, origin, created_at,
        activated_at, deactivated_at, destroy_at, destroyed_at, check_value, public_key, material,
        mac)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
      """
    case .records: "INSERT INTO records (kind, id, body, mac) VALUES (?1, ?2, ?3, ?4)"
    }
  }

  /// Writes all columns and the MAC of the row with this primary key and this old MAC.
  var replace: StaticString {
    switch self {
    case .meta: "UPDATE meta SET value = ?2, mac = ?3 WHERE name = ?1 AND mac = ?4"
    case .seals: "UPDATE seals SET record = ?2, mac = ?3 WHERE slot = ?1 AND mac = ?4"
    case .terms:
      """
      UPDATE keyring_terms SET created_at = ?2, wrapped = ?3, mac = ?4
      WHERE number = ?1 AND mac = ?5
      """
    case .keys:
      """
      UPDATE keys SET name = ?2, type = ?3, operations = ?4, never_exportable = ?5,
        deletion_protected = ?6, allowed_destinations = ?7, required_approvals = ?8,
        rotation_period = ?9, created_at = ?10, deleted_at = ?11, mac = ?12
      WHERE id = ?1 AND mac = ?13
      """
    case .versions:
      """
      UPDATE key_versions SET kms_key_id = ?3, state = ?4, origin = ?5, created_at = ?6,
        activated_at = ?7, deactivated_at = ?8, destroy_at = ?9, destroyed_at = ?10,
        check_value = ?11, public_key = ?12, material = ?13, mac = ?14
      WHERE key_id = ?1 AND number = ?2 AND mac = ?15
      """
    case .records:
      "UPDATE records SET body = ?3, mac = ?4 WHERE kind = ?1 AND id = ?2 AND mac = ?5"
    }
  }

  /// Deletes the row with this primary key and this MAC.
  var delete: StaticString {
    switch self {
    case .meta: "DELETE FROM meta WHERE name = ?1 AND mac = ?2"
    case .seals: "DELETE FROM seals WHERE slot = ?1 AND mac = ?2"
    case .terms: "DELETE FROM keyring_terms WHERE number = ?1 AND mac = ?2"
    case .keys: "DELETE FROM keys WHERE id = ?1 AND mac = ?2"
    case .versions: "DELETE FROM key_versions WHERE key_id = ?1 AND number = ?2 AND mac = ?3"
    case .records: "DELETE FROM records WHERE kind = ?1 AND id = ?2 AND mac = ?3"
    }
  }

  /// A row's primary key as an operator reads it: a name, a number, `KEY/VERSION`.
  func rowName(_ columns: [ColumnValue]) -> String {
    columns.prefix(keyColumns).map(\.words).joined(separator: "/")
  }
}

extension ColumnValue {
  /// The value in short: text as it is, bytes in hexadecimal.
  fileprivate var words: String {
    switch self {
    case .null: "NULL"
    case .integer(let number): String(number)
    case .real(let number): String(number)
    case .text(let bytes): String(decoding: bytes.prefix(200), as: UTF8.self)
    case .blob(let bytes): Hex.encode(Array(bytes.prefix(32)))
    }
  }
}
