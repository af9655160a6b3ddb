import KeywardModel

/// Rows of `keys` and `key_versions` as columns and back.
///
/// Reading comes after the MAC was checked, so a value that does not parse was written by another
/// Keyward or by a defect; it is refused, never guessed.
enum RowCoding {
  /// A column that holds what Keyward does not know; the column's name.
  struct Unknown: Error {
    let column: String
  }

  /// A row of `keys`; its versions are rows of their own.
  struct KeyRow {
    let id: KeyID
    let name: KeyName
    let type: KeyType
    let attributes: KeyAttributes
    let createdAt: Timestamp
    let deletedAt: Timestamp?

    func key(versions: [KeyVersion]) -> Key {
      Key(
        id: id,
        name: name,
        type: type,
        attributes: attributes,
        createdAt: createdAt,
        deletedAt: deletedAt,
        versions: versions
      )
    }
  }

  /// Texts that occur in many rows, parsed once.
  struct Cache {
    fileprivate var operations: [String: KeyOperations] = [:]
    fileprivate var types: [String: KeyType] = [:]
    fileprivate var states: [String: KeyState] = [:]

    init() {
      for type in KeyType.allCases { types[type.rawValue] = type }
      for state in KeyState.allCases { states[state.rawValue] = state }
    }
  }

  // MARK: - Writing

  static func columns(_ key: Key) -> [ColumnValue] {
    [
      ColumnValue(key.id.bytes),
      ColumnValue(key.name.description),
      ColumnValue(key.type.rawValue),
      ColumnValue(key.attributes.operations.text),
      ColumnValue(key.attributes.neverExportable),
      ColumnValue(key.attributes.deletionProtected),
      key.attributes.allowedDestinations.map { ColumnValue(destinations($0)) } ?? .null,
      ColumnValue(Int64(key.attributes.requiredApprovals)),
      ColumnValue(key.attributes.rotationPeriod),
      ColumnValue(key.createdAt.milliseconds),
      ColumnValue(key.deletedAt?.milliseconds),
    ]
  }

  static func columns(_ version: KeyVersion, of key: KeyID) -> [ColumnValue] {
    [
      ColumnValue(key.bytes),
      ColumnValue(Int64(version.number)),
      ColumnValue(version.kmsKeyID.description),
      ColumnValue(version.state.rawValue),
      ColumnValue(version.origin.rawValue),
      ColumnValue(version.createdAt.milliseconds),
      ColumnValue(version.activatedAt?.milliseconds),
      ColumnValue(version.deactivatedAt?.milliseconds),
      ColumnValue(version.destroyAt?.milliseconds),
      ColumnValue(version.destroyedAt?.milliseconds),
      ColumnValue(version.checkValue),
      ColumnValue(version.publicKey),
      ColumnValue(version.material),
    ]
  }

  // MARK: - Reading

  static func key(_ row: Statement, _ cache: inout Cache) throws(Unknown) -> KeyRow {
    guard let id = KeyID(row.blob(0)) else { throw Unknown(column: "id") }
    let name: KeyName
    do { name = try KeyName(row.text(1)) } catch { throw Unknown(column: "name") }
    guard let type = cache.types[row.text(2)] else { throw Unknown(column: "type") }
    var allowed: Set<String>?
    if !row.isNull(6) { allowed = try destinations(row.blob(6)) }
    guard let approvals = Int(exactly: row.int(7)) else {
      throw Unknown(column: "required_approvals")
    }
    return KeyRow(
      id: id,
      name: name,
      type: type,
      attributes: KeyAttributes(
        operations: try operations(row.text(3), &cache),
        neverExportable: row.int(4) == 1,
        deletionProtected: row.int(5) == 1,
        allowedDestinations: allowed,
        requiredApprovals: approvals,
        rotationPeriod: row.isNull(8) ? nil : row.int(8)
      ),
      createdAt: Timestamp(milliseconds: row.int(9)),
      deletedAt: time(row, 10)
    )
  }

  static func version(_ row: Statement, _ cache: inout Cache) throws(Unknown) -> KeyVersion {
    guard let number = Int(exactly: row.int(1)) else { throw Unknown(column: "number") }
    guard let keyID = KMSKeyID(row.text(2)) else { throw Unknown(column: "kms_key_id") }
    guard let state = cache.states[row.text(3)] else { throw Unknown(column: "state") }
    guard let origin = KeyVersion.Origin(rawValue: row.text(4)) else {
      throw Unknown(column: "origin")
    }
    return KeyVersion(
      number: number,
      kmsKeyID: keyID,
      state: state,
      origin: origin,
      createdAt: Timestamp(milliseconds: row.int(5)),
      activatedAt: time(row, 6),
      deactivatedAt: time(row, 7),
      destroyAt: time(row, 8),
      destroyedAt: time(row, 9),
      checkValue: row.blob(10),
      publicKey: row.blob(11),
      material: row.blob(12)
    )
  }

  private static func time(_ row: Statement, _ column: Int32) -> Timestamp? {
    row.isNull(column) ? nil : Timestamp(milliseconds: row.int(column))
  }

  private static func operations(
    _ text: String,
    _ cache: inout Cache
  ) throws(Unknown) -> KeyOperations {
    if let known = cache.operations[text] { return known }
    guard let operations = KeyOperations(text: text) else { throw Unknown(column: "operations") }
    cache.operations[text] = operations
    return operations
  }

  /// The set as a record of its members in order, so that each set has one form.
  private static func destinations(_ set: Set<String>) -> [UInt8] {
    var record = RecordWriter("keyward/v1/destinations")
    for name in set.sorted() { record.add(name) }
    return record.bytes
  }

  private static func destinations(_ bytes: [UInt8]) throws(Unknown) -> Set<String> {
    do {
      var reader = try RecordReader(bytes, label: "keyward/v1/destinations")
      var set: Set<String> = []
      while !reader.isAtEnd { set.insert(try reader.readText()) }
      return set
    } catch {
      throw Unknown(column: "allowed_destinations")
    }
  }
}
