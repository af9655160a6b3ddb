import Glibc
import KeywardCrypto
package import KeywardKeyring
package import KeywardModel

/// `keyward fsck` on a store that no server has open.
///
/// Nothing is repaired, and no row is changed.
package final class Fsck {
  private let files: StoreFiles
  private let anchorPath: String
  private let database: Database?
  /// Why the database could not be opened at all.
  private let problem: StoreError?

  /// Opens the folder's database as it is, without bringing its schema up to date.
  ///
  /// A damaged database is a finding of `check`; one that is missing, in use, of another
  /// application or of a later version is an error here.
  package init(directory: String, anchorPath: String? = nil) throws(StoreError) {
    files = try StoreFiles(directory: directory, creating: false)
    self.anchorPath = anchorPath ?? files.defaultAnchor
    guard StoreFiles.exists(files.database) else { throw .notInitialized }
    try StoreFiles.prepare(files.database, creating: false)
    do {
      let database = try Database(path: files.database, mode: .store)
      database.leaveUntouched()
      try Schema.checkOwner(of: database)
      // Nothing is read through a schema that somebody else made, virtual tables least of all.
      try Schema.check(database)
      self.database = database
      problem = nil
    } catch {
      switch error {
      case .corrupt, .notADatabase:
        database = nil
        problem = error
      case .locked: throw .locked(path: files.directory)
      default: throw error
      }
    }
  }

  /// The ways to the root key, if they can be read.
  package func seals() throws(StoreError) -> [StoredSeal] {
    guard let database else { return [] }
    let statement = try database.statement(RowTable.seals.select)
    defer { statement.reset() }
    var seals: [StoredSeal] = []
    while try statement.step() {
      seals.append(StoredSeal(slot: statement.int(0), record: statement.blob(1)))
    }
    return seals
  }

  /// Checks everything that the root key allows; without it, the structure.
  package func check(rootKey: RootKey?) throws(KeyringError) -> CheckReport {
    guard let database else {
      let finding = Finding(
        table: "database",
        problem: problem?.words ?? "cannot be read",
        remedy: problem?.remedy ?? "restore a backup"
      )
      return CheckReport(authenticated: false, checked: [:], findings: [finding])
    }
    guard let rootKey else { return Fsck.structure(database) }
    let keys = try StoreKeys(rootKey)
    // A first reading tells the terms; a keyring that does not open leaves material unopened.
    var keyring: Keyring?
    var keyringProblem: Finding?
    do {
      let opening = try Opening(database, keys: keys)
      keyring = try Keyring.open(
        opening.session.terms,
        store: opening.session.store,
        rootKey: rootKey
      )
    } catch let error as KeyringError {
      keyringProblem = Finding(
        table: RowTable.terms.name,
        problem: "the keyring does not open: \(error)",
        remedy: "restore a backup"
      )
    } catch {
      // The check below meets the same error and reports it.
    }
    var checker = Checker(database, keys: keys, keyring: keyring)
    if let keyringProblem { checker.add(keyringProblem) }
    let report = checker.run()
    guard let session = checker.opening?.session else { return report }
    return report.adding(anchorProblem(session))
  }

  private func anchorProblem(_ session: Session) -> Finding? {
    var anchored: UInt64?
    do throws(StoreError) {
      if StoreFiles.exists(anchorPath) {
        let anchor = try Anchor(path: anchorPath, creating: false)
        anchored = try anchor.read(store: session.store, key: session.keys.anchorKey)
      }
    } catch {
      return Finding(table: "anchor", problem: error.words, remedy: error.remedy)
    }
    return Checker.anchorProblem(counter: session.counter, anchored: anchored)
  }

  private static func structure(_ database: Database) -> CheckReport {
    var checker = Checker(database, keys: nil, keyring: nil)
    return checker.run()
  }
}

extension SQLiteStore {
  package func backup(at now: Timestamp) throws -> any StoreBackup {
    try BackupWriter(self, at: now)
  }

  /// Checks the open store on a copy of its database, so that requests go on meanwhile.
  ///
  /// Without `keyring` no material is opened. Takes room for the copy on the store's disk.
  package func check(keyring: Keyring?) throws -> CheckReport {
    let copy = try DatabaseCopy(of: self)
    let session = try copy.finish()
    defer { copy.remove() }
    var checker = Checker(
      try Database(path: copy.path, mode: .store),
      keys: session.keys,
      keyring: keyring
    )
    return checker.run().adding(try anchorProblem(notBelow: session))
  }
}
