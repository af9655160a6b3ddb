import Glibc
import KeywardModel
import KeywardStore
import KeywardSystem

/// The commands that work on a data folder without a server: the one place that calls the store.
enum OfflineStore {
  /// Checks a data folder that no server has open; with a seal's secret, every row's authenticity.
  static func check(_ folder: String, anchor: String?, _ seal: OfflineSeal) throws -> FsckReport {
    let fsck = try Fsck(directory: folder, anchorPath: anchor)
    let rootKey = seal.isGiven ? try seal.open(try fsck.seals()) : nil
    return try fsck.check(rootKey: rootKey).wire
  }

  /// Verifies a backup in full and puts it in place.
  static func restore(
    _ path: String,
    into folder: String,
    anchor: String?,
    mode: Restore.Mode,
    _ seal: OfflineSeal
  ) throws -> Restore.Summary {
    let descriptor = path == "-" ? dup(STDIN_FILENO) : Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(cannot: "open \(path)", code: errno) }
    defer { close(descriptor) }
    let reader = try BackupReader { try read(descriptor, count: $0) }
    let rootKey = try seal.open(reader.header.seals)
    return try Restore.run(
      reader,
      rootKey: rootKey,
      directory: folder,
      anchorPath: anchor,
      mode: mode
    )
  }

  private static func read(_ descriptor: CInt, count: Int) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    while true {
      let got = Glibc.read(descriptor, &buffer, count)
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw SystemError(cannot: "read the backup", code: errno) }
      return Array(buffer[..<got])
    }
  }
}
