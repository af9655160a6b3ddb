import Glibc
import KeywardCrypto
import KeywardModel

/// The files of a restore: a folder of its own for the new database, and the change of places.
///
/// The new database is on disk, verified and closed before anything of the existing store moves;
/// then one rename puts it in place, so that a crash leaves the one or the other.
final class RestorePlace {
  /// The data folder, without symbolic links once it exists.
  let directory: String
  let staging: StoreFiles
  private let isReplacing: Bool
  private var descriptor: Int32

  init(directory: String, mode: Restore.Mode) throws {
    let random = Hex.encode(try RandomSource.bytes(8))
    if case .replace = mode {
      let files = try StoreFiles(directory: directory, creating: false)
      guard StoreFiles.exists(files.database) else { throw StoreError.notInitialized }
      isReplacing = true
      self.directory = files.directory
      staging = try StoreFiles(
        directory: files.directory + "/restore-" + random,
        creating: true
      )
    } else {
      var trimmed = directory
      while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
      if StoreFiles.exists(trimmed) {
        trimmed = try StoreFiles(directory: trimmed, creating: false).directory
        guard StoreFiles.names(in: trimmed).isEmpty else {
          throw StoreError.insecureFile(
            path: trimmed,
            problem: "is not empty",
            remedy: "name a new folder, or ask for the store in it to be replaced"
          )
        }
      }
      isReplacing = false
      self.directory = trimmed
      staging = try StoreFiles(directory: trimmed + ".restore-" + random, creating: true)
    }
    try StoreFiles.prepare(staging.database)
    descriptor = open(staging.database, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreFiles.failure("open", staging.database) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Appends a part of the database.
  func append(_ bytes: [UInt8]) throws(StoreError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw StoreFiles.failure("write", staging.database) }
      written += count
    }
  }

  func finishWriting() throws(StoreError) {
    guard fsync(descriptor) == 0 else {
      throw .ioError("fsync of \(staging.database), errno \(errno)")
    }
    close(descriptor)
    descriptor = -1
  }

  /// Puts the new database in place; returns where the old one is kept.
  ///
  /// `raiseAnchor` runs before anything moves: a crash in between leaves the existing store behind
  /// an anchor that asks for acceptance.
  func moveIn(_ existing: SQLiteStore?, raiseAnchor: () throws -> Void) throws -> String? {
    unlink(staging.defaultAnchor)
    unlink(staging.log)
    try raiseAnchor()
    guard isReplacing else {
      // rename(2) takes the place of an empty folder.
      guard rename(staging.directory, directory) == 0 else {
        throw StoreFiles.failure("rename", directory)
      }
      try StoreFiles.syncDirectory(StoreFiles.parent(of: directory))
      return nil
    }
    let database = directory + "/keyward.db"
    let aside = directory + "/replaced-" + Hex.encode(try RandomSource.bytes(4)) + ".db"
    // The existing store stays open, and so locked, until the new one has its place.
    try existing?.settle()
    if existing == nil, StoreFiles.exists(database + "-wal") {
      guard rename(database + "-wal", aside + "-wal") == 0 else {
        throw StoreFiles.failure("rename", database + "-wal")
      }
    }
    guard link(database, aside) == 0 else { throw StoreFiles.failure("link", aside) }
    guard rename(staging.database, database) == 0 else {
      throw StoreFiles.failure("rename", database)
    }
    try StoreFiles.syncDirectory(directory)
    return aside
  }

  /// Removes what is left of the folder of the new database.
  func removeStaging() {
    guard StoreFiles.exists(staging.directory) else { return }
    for name in StoreFiles.names(in: staging.directory) {
      unlink(staging.directory + "/" + name)
    }
    rmdir(staging.directory)
  }
}
