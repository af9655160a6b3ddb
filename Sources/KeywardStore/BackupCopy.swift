import Glibc

/// The file into which a backup copies the database before it encrypts it.
enum BackupCopy {
  static let prefix = "backup-copy-"

  /// Removes what a server that was killed during a backup left behind.
  static func removeLeftovers(in files: StoreFiles) {
    for name in StoreFiles.names(in: files.directory) where name.hasPrefix(prefix) {
      unlink(files.directory + "/" + name)
    }
  }
}
