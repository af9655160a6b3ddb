import KeywardCrypto
import KeywardKeyring

/// Reads a backup: first its header, by which the root key can be opened, then the database.
///
/// Every byte is checked: a change, a cut, chunks of another backup or in another order are
/// `badBackup`, as is another root key.
package struct BackupReader: ~Copyable {
  /// Unauthenticated until `readChunks` has opened the first chunk.
  package let header: BackupHeader
  private let source: (Int) throws -> [UInt8]
  private let binding: [UInt8]

  /// Reads the header; `source` returns up to so many bytes, and none at the end.
  package init(_ source: @escaping (Int) throws -> [UInt8]) throws {
    self.source = source
    guard try BackupReader.read(8, source) == BackupHeader.magic else {
      throw StoreError.badBackup("it is not a backup of keyward")
    }
    let length = BackupFraming.length(try BackupReader.read(4, source))
    guard length <= BackupHeader.maximumLength else {
      throw StoreError.badBackup("its header cannot be read")
    }
    let record = try BackupReader.read(length, source)
    header = try BackupHeader(record: record)
    binding = Digest.sha256(record)
  }

  /// Decrypts all chunks in order and hands each to `body`; they are the database only when this
  /// has returned.
  func readChunks(_ key: SecretBox, _ body: ([UInt8]) throws -> Void) throws {
    var index: UInt64 = 0
    var next: [UInt8]? = try readEnvelope(isFirst: true)
    while let envelope = next {
      next = try readEnvelope(isFirst: false)
      let chunk: [UInt8]
      do {
        chunk = try Envelope.open(
          expecting: .aes256,
          key: key.bytes,
          aad: .backupChunk(backup: binding, index: index, isFinal: next == nil),
          envelope
        ).revealed()
      } catch KeyringError.decryptionFailed {
        throw StoreError.badBackup(
          index == 0
            ? "it was altered, or is of another root key"
            : "it was altered or cut short at chunk \(index)"
        )
      }
      try body(chunk)
      index += 1
    }
  }

  private func readEnvelope(isFirst: Bool) throws -> [UInt8]? {
    let first = try source(4)
    if first.isEmpty && !isFirst { return nil }
    let rest = first.count < 4 ? try BackupReader.read(4 - first.count, source) : []
    let length = BackupFraming.length(first + rest)
    guard length <= BackupWriter.chunkLength + Envelope.overhead else {
      throw StoreError.badBackup("it was altered")
    }
    return try BackupReader.read(length, source)
  }

  /// Exactly `count` bytes.
  private static func read(_ count: Int, _ source: (Int) throws -> [UInt8]) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try source(count - bytes.count)
      guard !more.isEmpty, more.count <= count - bytes.count else {
        throw StoreError.badBackup("it is cut short")
      }
      bytes += more
    }
    return bytes
  }
}
