package import KeywardKeyring
package import KeywardModel
package import KeywardStore
import Synchronization

/// A store of which a test can make the next commits fail.
///
/// A failed commit leaves nothing of its transaction, as a full disk does.
package final class FaultyStore: Store {
  package let inner: SQLiteStore
  private let faults = Mutex<(spared: Int, left: Int, error: StoreError)>((0, 0, .full))
  private let journalFaults = Mutex<Int>(0)
  private let written = Mutex<Int>(0)
  private let held = Mutex<(@Sendable () -> Void)?>(nil)
  private let watchedScrubs = Mutex<(@Sendable () -> Void)?>(nil)
  private let scrubFaults = Mutex<(left: Int, error: StoreError)>((0, .full))

  package init(_ inner: SQLiteStore) {
    self.inner = inner
  }

  /// How many commits there were.
  package var commits: Int { written.withLock { $0 } }

  /// Makes the next `count` commits fail with `error`, after so many that are spared.
  package func failCommits(_ count: Int, after spared: Int = 0, with error: StoreError = .full) {
    faults.withLock { $0 = (spared, count, error) }
  }

  /// Makes the next `count` writes of the journal fail, as on a full disk.
  package func failJournal(_ count: Int) {
    journalFaults.withLock { $0 = count }
  }

  /// Makes the next commit wait for `wait`, and everything on the writing thread behind it.
  package func holdNextCommit(_ wait: @escaping @Sendable () -> Void) {
    held.withLock { $0 = wait }
  }

  /// Calls `body` before each search of the file, which waits for it.
  package func watchScrubs(_ body: @escaping @Sendable () -> Void) {
    watchedScrubs.withLock { $0 = body }
  }

  /// Makes the next `count` searches of the file fail with `error`.
  package func failScrubs(_ count: Int, with error: StoreError = .full) {
    scrubFaults.withLock { $0 = (count, error) }
  }

  private func checkJournal() throws {
    try journalFaults.withLock { left in
      guard left > 0 else { return }
      left -= 1
      throw StoreError.full
    }
  }

  package func write<R: Sendable>(
    durability: Durability,
    _ body: (any StoreTransaction) throws -> R
  ) throws -> R {
    let wait = held.withLock { held in
      defer { held = nil }
      return held
    }
    wait?()
    let result = try inner.write(durability: durability) { transaction in
      let result = try body(transaction)
      let fault: StoreError? = faults.withLock { faults in
        guard faults.spared == 0 else {
          faults.spared -= 1
          return nil
        }
        guard faults.left > 0 else { return nil }
        faults.left -= 1
        return faults.error
      }
      if let fault { throw fault }
      return result
    }
    written.withLock { $0 += 1 }
    return result
  }

  // MARK: - As it is

  package var identity: StoreID? { get throws { try inner.identity } }
  package var journalCount: Int { get throws { try inner.journalCount } }
  package var isUnlocked: Bool { inner.isUnlocked }

  package func seals() throws -> [StoredSeal] { try inner.seals() }

  package func terms() throws -> [WrappedTerm] { try inner.terms() }

  package func meta(_ name: MetaName) throws -> [UInt8]? { try inner.meta(name) }

  package func appendJournal(_ entries: [[UInt8]]) throws {
    try checkJournal()
    try inner.appendJournal(entries)
  }

  package func initialize(_ contents: InitialContents, keys: StoreKeys) throws {
    if !contents.journal.isEmpty { try checkJournal() }
    try inner.initialize(contents, keys: keys)
  }

  package func unlock(_ keys: StoreKeys, accepting: Set<Acceptance>) throws -> LoadedState {
    try inner.unlock(keys, accepting: accepting)
  }

  package func lock() { inner.lock() }

  package func read<R: Sendable>(_ body: (any StoreReader) throws -> R) throws -> R {
    try inner.read(body)
  }

  package func scrub() throws -> Bool {
    watchedScrubs.withLock { $0 }?()
    try scrubFaults.withLock { faults in
      guard faults.left > 0 else { return }
      faults.left -= 1
      throw faults.error
    }
    return try inner.scrub()
  }

  package func check(keyring: Keyring?) throws -> CheckReport { try inner.check(keyring: keyring) }

  package func backup(at now: Timestamp) throws -> any StoreBackup { try inner.backup(at: now) }
}
