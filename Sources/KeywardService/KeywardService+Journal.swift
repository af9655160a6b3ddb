import KeywardAudit
import KeywardModel
import KeywardStore
import Logging
import Synchronization

/// Entries of what happens while no log can be signed.
extension KeywardService {
  /// Keeps a record that was made while no log could be signed; unsealing brings it into the log.
  ///
  /// What waits for the disk is bounded, and so is the journal: beyond either bound entries are only
  /// counted, and the log tells the count. A flood against a sealed server can fill neither memory
  /// nor disk.
  func journal(_ record: AuditRecord) {
    // The index is given when the entry comes into the log.
    let entry = AuditEntry(index: 0, event: record.event()).encoded()
    let mustStart = waitingJournal.withLock { waiting in
      guard waiting.entries.count < 4096 else {
        waiting.dropped += 1
        return false
      }
      waiting.entries.append(entry)
      return waiting.entries.count == 1
    }
    if mustStart { committer.exclusively { [self] in flushJournal() } }
  }

  /// Writes what waits for the journal, with one fsync.
  ///
  /// On the writing thread only.
  func flushJournal() {
    let entries = waitingJournal.withLock { waiting in
      defer { waiting.entries = [] }
      return waiting.entries
    }
    guard !entries.isEmpty else { return }
    do {
      // Before `init` there is no store to tell.
      if try store.identity != nil { try store.appendJournal(entries) }
    } catch {
      waitingJournal.withLock { $0.dropped += UInt64(entries.count) }
      committer.stopIfFatal(error)
      logger.error("Entries made while sealed could not be kept", metadata: ["error": "\(error)"])
    }
  }
}

/// Entries of a sealed server on their way to the journal.
struct WaitingJournal: Sendable {
  var entries: [[UInt8]] = []
  /// Entries that were not kept since the last unsealing.
  var dropped: UInt64 = 0
}
