import Glibc
package import KeywardKeyring
import KeywardModel

/// `keyward backup restore`: verifies a backup in full, then puts it in a store's place.
///
/// What the existing store had tightened stays tight, so that a restore is no way around it. The
/// next unseal asks for the rollback to be accepted, always, and audits that.
package enum Restore {
  /// Where the store may go.
  package enum Mode: Hashable, Sendable {
    /// A folder that is missing or empty.
    case newStore
    /// The place of an existing store with the same id, which is kept aside. `ignoringDamage`: rows
    /// of it that do not verify are not carried over, and a database that cannot be read is
    /// replaced all the same.
    case replace(ignoringDamage: Bool)
  }

  /// What a restore did.
  package struct Summary: Hashable, Sendable {
    package let header: BackupHeader
    package let keys: Int
    /// The keys that were tightened again, with what was done, in words.
    package let carriedOver: [String]
    /// The keys that only the existing store had, by name; they are in the file kept aside.
    package let lost: [String]
    /// The existing database, kept aside; nil if there was none.
    package let keptAside: String?
  }

  /// Restores a backup into a folder.
  ///
  /// - Parameters:
  ///   - backup: The backup; its header has been read.
  ///   - rootKey: The root key, opened by one of the header's seals.
  ///   - directory: The data folder.
  ///   - anchorPath: The store's anchor file, as for `SQLiteStore.open`.
  ///   - mode: Whether a store may be there.
  /// - Returns: What was done.
  /// - Throws: `badBackup`, or what is wrong with the folder. Nothing was changed then.
  package static func run(
    _ backup: consuming BackupReader,
    rootKey: RootKey,
    directory: String,
    anchorPath: String? = nil,
    mode: Mode
  ) throws -> Summary {
    let header = backup.header
    let keys = try StoreKeys(rootKey)
    let place = try RestorePlace(directory: directory, mode: mode)
    defer { place.removeStaging() }
    var existing: SQLiteStore?
    var old: LoadedState?
    if case .replace(let ignoringDamage) = mode {
      existing = try openExisting(directory, anchorPath, header, ignoringDamage)
      if let existing { old = try loadExisting(existing, keys, ignoringDamage: ignoringDamage) }
    }
    try backup.readChunks(keys.backupKey) { try place.append($0) }
    try place.finishWriting()
    let prepared = try prepare(place, header, rootKey, keys, existing: old)
    let anchor = anchorPath ?? place.directory + "/anchor"
    let aside = try place.moveIn(existing) {
      try raiseAnchor(anchor, above: prepared.state.counter, store: header.store, keys: keys)
    }
    let known = Set(prepared.state.keys.map(\.id))
    let lost = (old?.keys ?? []).filter { !known.contains($0.id) && $0.deletedAt == nil }
    return Summary(
      header: header,
      keys: prepared.state.keys.count,
      carriedOver: prepared.carriedOver,
      lost: lost.map(\.name.description),
      keptAside: aside
    )
  }

  /// Verifies the new database where it lies aside, tightens it, and closes it.
  private static func prepare(
    _ place: RestorePlace,
    _ header: BackupHeader,
    _ rootKey: RootKey,
    _ keys: StoreKeys,
    existing: LoadedState?
  ) throws -> (state: LoadedState, carriedOver: [String]) {
    let store = try SQLiteStore.open(directory: place.staging.directory)
    var state = try verify(store, header, rootKey, keys)
    var carry = CarryOver(
      keyring: try Keyring.open(state.terms, store: state.store, rootKey: rootKey)
    )
    if let existing { try carry.apply(existing.keys, to: state.keys) }
    // What was revoked since the backup must not come back: nobody stays logged in over a restore.
    let sessions = state.records.filter(\.kind.endsWithRestore)
    let kept = (existing?.records ?? []).filter(\.kind.outlivesRestore)
    if !carry.changes.isEmpty || !sessions.isEmpty || !kept.isEmpty {
      let restored = Dictionary(grouping: state.records.filter(\.kind.outlivesRestore), by: \.id)
      try store.write(durability: .change) { transaction in
        try carry.write(to: transaction)
        for record in sessions { try transaction.deleteRecord(record) }
        for record in kept {
          if let old = restored[record.id]?.first(where: { $0.kind == record.kind }) {
            if old != record { try transaction.updateRecord(record, from: old) }
          } else {
            try transaction.insertRecord(record)
          }
        }
      }
      store.lock()
      state = try verify(store, header, rootKey, keys)
    }
    try store.settle()
    return (state, carry.words)
  }

  /// Checks everything, and that the database is the one that the header speaks of.
  private static func verify(
    _ store: SQLiteStore,
    _ header: BackupHeader,
    _ rootKey: RootKey,
    _ keys: StoreKeys
  ) throws -> LoadedState {
    let state: LoadedState
    do {
      state = try store.unlock(keys, accepting: [.rollback])
    } catch let error as StoreError {
      if case .tampered(let findings) = error {
        throw StoreError.badBackup("\(findings[0])")
      }
      throw error
    }
    guard state.store == header.store, state.counter >= header.counter else {
      throw StoreError.badBackup("its database is not the one that its header speaks of")
    }
    let keyring = try Keyring.open(state.terms, store: state.store, rootKey: rootKey)
    // The anchor of the new place is raised later; the one beside the copy says nothing.
    let report = try store.check(keyring: keyring)
    if let problem = report.findings.first(where: { !$0.isWarning && $0.table != "anchor" }) {
      throw StoreError.badBackup("\(problem)")
    }
    return state
  }

  private static func openExisting(
    _ directory: String,
    _ anchorPath: String?,
    _ header: BackupHeader,
    _ ignoringDamage: Bool
  ) throws -> SQLiteStore? {
    do {
      let existing = try SQLiteStore.open(directory: directory, anchorPath: anchorPath)
      guard let identity = try existing.identity else {
        throw StoreError.notInitialized
      }
      guard identity == header.store else {
        throw StoreError.badBackup("it is of another store than the one in \(directory)")
      }
      return existing
    } catch let error as StoreError {
      switch error {
      case .corrupt, .notADatabase: if ignoringDamage { return nil }
      default: break
      }
      throw error
    }
  }

  /// The verified state of the store to be replaced; nil if it cannot be read and need not be.
  private static func loadExisting(
    _ existing: SQLiteStore,
    _ keys: StoreKeys,
    ignoringDamage: Bool
  ) throws -> LoadedState? {
    do {
      return try existing.unlock(
        keys,
        accepting: ignoringDamage ? [.rollback, .damage] : [.rollback]
      )
    } catch let error as StoreError {
      switch error {
      case .corrupt, .tampered: if ignoringDamage { return nil }
      default: break
      }
      throw error
    }
  }

  /// Makes the anchor of the place higher than the database, so that the next unseal asks.
  ///
  /// An anchor that is missing or of another store makes it ask as it is.
  private static func raiseAnchor(
    _ path: String,
    above counter: UInt64,
    store: StoreID,
    keys: StoreKeys
  ) throws {
    guard StoreFiles.exists(path) else { return }
    let anchor = try Anchor(path: path)
    guard let anchored = try anchor.read(store: store, key: keys.anchorKey) else { return }
    let raised = max(anchored, counter) + 1
    try anchor.write(raised, store: store, key: keys.anchorKey, durably: true)
  }
}
