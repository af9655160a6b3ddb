import Glibc
import KeywardCrypto
import KeywardKeyring
package import KeywardModel

/// A backup on its way out: pieces of an encrypted, consistent copy of the database.
///
/// Pull with `next` until nil. The first call copies the database, in steps between which writes go
/// on; later changes are not in the backup. A backup that is not read to its end is no backup: the
/// last chunk says that it is the last. Not for use from two threads at once.
package final class BackupWriter: StoreBackup {
  /// Plaintext bytes of a chunk.
  static let chunkLength = 64 << 10

  /// What the header of the backup says; nil before the first piece.
  package private(set) var header: BackupHeader?
  private let createdAt: Timestamp
  private let copy: DatabaseCopy
  private var reading: Reading?
  private var isOver = false

  /// The copy while it is encrypted.
  private struct Reading {
    let descriptor: Int32
    let key: SecretBox
    /// The digest of the header, which binds every chunk to it.
    let binding: [UInt8]
    var index: UInt64 = 0
    var ahead: [UInt8]
  }

  /// Begins a backup of an unlocked store; `now` is its date.
  package init(_ store: SQLiteStore, at now: Timestamp) throws {
    createdAt = now
    copy = try DatabaseCopy(of: store)
  }

  deinit { close() }

  /// The next piece, at most some 64 KiB; nil at the end.
  package func next() throws -> [UInt8]? {
    if isOver { return nil }
    do {
      guard var reading else { return try begin() }
      let chunk = reading.ahead
      reading.ahead = try BackupWriter.read(reading.descriptor)
      let isFinal = reading.ahead.isEmpty
      let sealed = try Envelope.seal(
        .aes256,
        key: reading.key.bytes,
        version: 1,
        aad: .backupChunk(backup: reading.binding, index: reading.index, isFinal: isFinal),
        plaintext: try SecretBytes.fixture(chunk)
      )
      reading.index += 1
      self.reading = reading
      if isFinal { close() }
      return BackupFraming.length(sealed.count) + sealed
    } catch {
      close()
      throw error
    }
  }

  /// Gives up; the copy is removed.
  package func close() {
    isOver = true
    if let reading { Glibc.close(reading.descriptor) }
    reading = nil
    copy.remove()
  }

  /// Copies, opens the copy, and returns the header.
  private func begin() throws -> [UInt8] {
    let session = try copy.finish()
    let header = BackupHeader(
      id: try RandomSource.bytes(16),
      store: session.store,
      createdAt: createdAt,
      counter: session.counter,
      seals: session.seals
    )
    self.header = header
    let record = header.record
    let descriptor = open(copy.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreFiles.failure("open", copy.path) }
    reading = Reading(
      descriptor: descriptor,
      key: session.keys.backupKey,
      binding: Digest.sha256(record),
      ahead: try BackupWriter.read(descriptor)
    )
    return BackupHeader.magic + BackupFraming.length(record.count) + record
  }

  private static func read(_ descriptor: Int32) throws(StoreError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: chunkLength) { buffer, count in
      while count < chunkLength {
        let got = Glibc.read(
          descriptor,
          buffer.baseAddress?.advanced(by: count),
          chunkLength - count
        )
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = errno }
        guard got > 0 else { break }
        count += got
      }
    }
    guard failure == 0 else { throw .ioError("read of a copy, errno \(failure)") }
    return bytes
  }
}

/// How pieces of a backup are told apart: each comes after its length, 4 bytes big-endian.
enum BackupFraming {
  static func length(_ count: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(clamping: count).bigEndian) { Array($0) }
  }

  static func length(_ bytes: [UInt8]) -> Int {
    bytes.reduce(0) { $0 << 8 | Int($1) }
  }
}
