import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// What an unlocked store knows: its keys, and what the last commit left.
///
/// A value: a transaction works on a copy, which takes the place of this one once it is committed.
struct Session: Sendable {
  /// The form of rows and state that the MACs are made over; a migration that changes it has to
  /// make them anew, which takes the keys.
  ///
  /// 1 covers the five tables of the first schema; 2 covers the records too. A store of form 1 has
  /// no records, and the first write makes it one of form 2.
  static let format: UInt64 = 2

  /// The tables that a state row of this many bytes of `set_macs` covers; nil if none has so many.
  static func tables(coveredBy setMACs: [UInt8]) -> [RowTable]? {
    switch setMACs.count {
    case 160: RowTable.allCases.filter { $0 != .records }
    case 192: RowTable.allCases
    default: nil
    }
  }

  let keys: StoreKeys
  let store: StoreID
  /// Over all rows that carry a MAC; secret.
  var digests: TableDigests
  var counter: UInt64
  var auditSize: UInt64
  var frontier: [UInt8]
  var seals: [StoredSeal]
  var terms: [WrappedTerm]
  var meta: [MetaName: [UInt8]]
  /// Rows that the operator gave up, to be moved aside by the next transaction.
  var damaged: [DamagedRow] = []
  /// The counter in the state row where it is behind `counter`: after an accepted rollback.
  var storedCounter: UInt64?

  /// The MAC over the digest of the set of a table's rows, at this counter.
  func setMAC(of table: RowTable) -> [UInt8] {
    var record = RecordWriter("keyward/v1/set")
    record.add(store.bytes)
    record.add(table.name)
    record.add(counter)
    record.add(digests[table].bytes)
    return keys.stateKey.authenticate(record.bytes)
  }

  /// The MACs of all tables' sets, one after the other in the order of `RowTable`.
  var setMACs: [UInt8] { RowTable.allCases.flatMap { setMAC(of: $0) } }

  /// The MAC of the state row, which holds `setMACs`.
  func stateMAC(setMACs: [UInt8]) -> [UInt8] {
    var record = RecordWriter("keyward/v1/state")
    record.add(store.bytes)
    record.add(setMACs.count == 160 ? 1 : Session.format)
    record.add(counter)
    record.add(auditSize)
    record.add(frontier)
    record.add(setMACs)
    return keys.stateKey.authenticate(record.bytes)
  }
}

/// A row that is to be moved aside: where it is, and its columns and MAC as they were found.
struct DamagedRow: Hashable, Sendable {
  let table: RowTable
  let columns: [ColumnValue]
  let mac: ColumnValue
}
