import CSQLite
import KeywardModel

/// The canonical bytes of one row: the input of its MAC.
///
/// A record in the form of `RecordWriter`: the label `keyward/v1/row/TABLE`, the store's id, then
/// one field for each column but the MAC, in the order of the table's `columns`. A column's field
/// is one byte for its type (0 null, 1 integer, 2 real, 3 text, 4 blob), then its value, numbers
/// as 8 bytes big-endian. The bytes are what SQLite holds, not what Keyward makes of them, so that
/// a row is authenticated before it is parsed. One buffer serves all rows of a table.
struct RowRecord {
  private(set) var bytes: [UInt8]
  private let prefix: Int

  /// Starts with the fields that all rows of a table share.
  init(table: RowTable, store: StoreID) {
    var writer = RecordWriter("keyward/v1/row/" + table.name)
    writer.add(store.bytes)
    bytes = writer.bytes
    prefix = bytes.count
    bytes.reserveCapacity(1024)
  }

  /// Takes the columns from the present row of `statement`, from its first on.
  mutating func set(_ statement: Statement, columns: Int32) {
    clear()
    for column in 0..<columns {
      switch statement.type(column) {
      case SQLITE_INTEGER: add(number: UInt64(bitPattern: statement.int(column)), type: 1)
      case SQLITE_FLOAT: add(number: statement.double(column).bitPattern, type: 2)
      case SQLITE_TEXT: statement.withBytes(column) { add($0, type: 3) }
      case SQLITE_BLOB: statement.withBytes(column) { add($0, type: 4) }
      default: add(UnsafeRawBufferPointer(start: nil, count: 0), type: 0)
      }
    }
  }

  /// Takes the columns of a row to be written.
  mutating func set(_ values: [ColumnValue]) {
    clear()
    for value in values {
      switch value {
      case .null: add(UnsafeRawBufferPointer(start: nil, count: 0), type: 0)
      case .integer(let number): add(number: UInt64(bitPattern: number), type: 1)
      case .real(let number): add(number: number.bitPattern, type: 2)
      case .text(let bytes): bytes.withUnsafeBytes { add($0, type: 3) }
      case .blob(let bytes): bytes.withUnsafeBytes { add($0, type: 4) }
      }
    }
  }

  private mutating func clear() {
    bytes.removeSubrange(prefix...)
  }

  private mutating func add(_ field: UnsafeRawBufferPointer, type: UInt8) {
    addLength(field.count + 1)
    bytes.append(type)
    bytes.append(contentsOf: field)
  }

  private mutating func add(number: UInt64, type: UInt8) {
    addLength(9)
    bytes.append(type)
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func addLength(_ count: Int) {
    withUnsafeBytes(of: UInt32(clamping: count).bigEndian) { bytes.append(contentsOf: $0) }
  }
}
