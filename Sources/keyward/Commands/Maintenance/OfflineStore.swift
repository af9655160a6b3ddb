import KeywardModel
import KeywardStore

/// The commands that work on a data folder without a server; the one place that calls the store.
enum OfflineStore {
  static func check(_ folder: String) throws -> FsckReport {
    throw CommandFailure(
      .failed,
      "The offline check is not part of this build.",
      remedy: "Run 'keyward fsck' against the running server."
    )
  }

  static func restore(_ backup: String, into folder: String) throws {
    throw CommandFailure(.failed, "Restoring is not part of this build.")
  }
}
