package import KeywardModel

extension KeywardService {
  package func createBackup(_ caller: Caller) async throws(ServiceError) -> BackupStream {
    throw ServiceError(.unimplemented, "Not yet.")
  }
  package func fsck(_ caller: Caller) async throws(ServiceError) -> FsckReport {
    throw ServiceError(.unimplemented, "Not yet.")
  }
}

/// A backup on its way out.
package struct BackupStream: Sendable {
  /// The next piece; nil at the end.
  package let next: @Sendable () async throws(ServiceError) -> [UInt8]?
  /// Gives up a backup that nobody reads any more.
  package let close: @Sendable () async -> Void
}
