package import KeywardModel

/// What a backup says about itself in clear: enough to unseal it (docs/formats/backup.md).
///
/// Nothing in it is authenticated until the first chunk opens: its digest is part of the associated
/// data of every chunk.
package struct BackupHeader: Hashable, Sendable {
  /// 16 random bytes.
  package let id: [UInt8]
  package let store: StoreID
  package let createdAt: Timestamp
  /// The state counter of the database in it.
  package let counter: UInt64
  /// The ways to the root key at the time.
  package let seals: [StoredSeal]

  package init(
    id: [UInt8],
    store: StoreID,
    createdAt: Timestamp,
    counter: UInt64,
    seals: [StoredSeal]
  ) {
    self.id = id
    self.store = store
    self.createdAt = createdAt
    self.counter = counter
    self.seals = seals
  }

  /// The first 8 bytes of every backup.
  static let magic = Array("KWBACKUP".utf8)
  /// The longest record that is read.
  static let maximumLength = 1 << 20
  private static let label = "keyward/v1/backup"

  /// The record that follows the magic and its length.
  var record: [UInt8] {
    var writer = RecordWriter(BackupHeader.label)
    writer.add(id)
    writer.add(store.bytes)
    writer.add(createdAt.milliseconds)
    writer.add(counter)
    writer.add(UInt64(seals.count))
    for seal in seals {
      writer.add(seal.slot)
      writer.add(seal.record)
    }
    return writer.bytes
  }

  init(record: [UInt8]) throws(StoreError) {
    do {
      var reader = try RecordReader(record, label: BackupHeader.label)
      id = try reader.readBytes(limit: 16)
      guard let store = StoreID(try reader.readBytes(limit: 16)), id.count == 16 else {
        throw RecordReader.Failure.wrongLabel
      }
      self.store = store
      createdAt = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
      counter = try reader.readNumber()
      var seals: [StoredSeal] = []
      let count = try reader.readNumber()
      while UInt64(seals.count) < count {
        seals.append(
          StoredSeal(
            slot: Int64(bitPattern: try reader.readNumber()),
            record: try reader.readBytes()
          )
        )
      }
      self.seals = seals
      try reader.finish()
    } catch {
      throw .badBackup("its header cannot be read")
    }
  }
}
