/// Why the store could not do what was asked; the words are public and say what to do.
package enum StoreError: Error, Equatable, Sendable {
  /// `initialize` on a store that has an identity.
  case alreadyInitialized
  /// A backup that is no backup, is cut short, was altered, or is of another key.
  case badBackup(String)
  /// Another writer changed the row since it was read; the row's table and key.
  case conflict(String)
  /// SQLite found pages or the schema broken.
  case corrupt(String)
  /// A constraint of the schema refused the row: a name or `key_id` that is taken.
  case constraint(String)
  /// The database is of another application.
  case foreignDatabase(path: String)
  /// The disk, the quota or the file size limit is full. Nothing was changed.
  case full
  /// A folder or file that is missing, not the server's own or open to others.
  case insecureFile(path: String, problem: String, remedy: String)
  /// The disk failed; what it holds is unknown, so the process must stop and start again.
  case ioError(String)
  /// More than a documented limit; which one.
  case limit(String)
  /// Another server has the store open.
  case locked(path: String)
  /// The database was written by a later Keyward.
  case newerSchema(found: Int, known: Int)
  /// The file is not an SQLite database, or its header is destroyed.
  case notADatabase(path: String)
  /// The store has no identity yet: `operator init` comes first.
  case notInitialized
  /// The folder or file cannot be written.
  case readOnly(path: String)
  /// The database is older than its anchor, or the anchor is missing or not this store's (nil).
  case rollbackDetected(database: UInt64, anchor: UInt64?)
  /// The store has no keys: `unlock` comes first.
  case sealed
  /// Rows that do not verify: edited, exchanged, missing or older than the rest.
  case tampered([Finding])
  /// A call that the store does not take, which is a defect of the caller.
  case misuse(String)

  /// Whether the process must stop: after a failed sync nobody knows what is on the disk, and
  /// trying again can succeed without the lost pages.
  package var isFatal: Bool {
    if case .ioError = self { true } else { false }
  }

  /// What is wrong, in public words.
  package var words: String {
    switch self {
    case .alreadyInitialized: "the store is initialized already"
    case .badBackup(let problem): "the backup cannot be used: \(problem)"
    case .conflict(let row): "\(row) was changed by another writer"
    case .corrupt(let problem): "the database is damaged: \(problem)"
    case .constraint(let name): "the store refuses the row: \(name)"
    case .foreignDatabase(let path): "\(path) is the database of another application"
    case .full: "no space is left for the store; nothing was changed"
    case .insecureFile(let path, let problem, _): "\(path) \(problem)"
    case .ioError(let call): "the disk failed (\(call)); the server must stop"
    case .limit(let limit): "a limit of the store is reached: \(limit)"
    case .locked(let path): "another keyward server has the store in \(path) open"
    case .newerSchema(let found, let known):
      "the database has schema \(found), this keyward knows schemas up to \(known)"
    case .notADatabase(let path): "\(path) is not a database, or its header is destroyed"
    case .notInitialized: "the store is not initialized"
    case .readOnly(let path): "\(path) cannot be written"
    case .rollbackDetected(let database, let anchor?):
      "the database is at change \(database), its anchor at \(anchor): an older copy was put back"
    case .rollbackDetected(_, nil):
      "the anchor of the store is missing or is not this store's, so its age cannot be told"
    case .sealed: "the store is sealed"
    case .tampered(let findings):
      "\(findings.count) row\(findings.count == 1 ? " does" : "s do") not verify"
        + (findings.first.map { ", first: \($0)" } ?? "")
    case .misuse(let problem): "the store was asked for what it does not do: \(problem)"
    }
  }

  /// What an operator can do about it.
  package var remedy: String {
    switch self {
    case .alreadyInitialized: "use another data folder for a new store"
    case .badBackup: "take another copy of the backup"
    case .conflict: "try again"
    case .corrupt, .notADatabase:
      "run `keyward fsck`, then restore a backup with `keyward backup restore`"
    case .constraint: "choose another name"
    case .foreignDatabase: "name another data folder, or move the file away"
    case .full: "free space on the disk of the data folder, or raise the quota"
    case .insecureFile(_, _, let remedy): remedy
    case .ioError: "check the disk and its log, then start the server again"
    case .limit: "make room, or split over several stores"
    case .locked: "stop the other server, or name another data folder"
    case .newerSchema: "install the version of keyward that wrote it, or a later one"
    case .notInitialized: "run `keyward operator init`"
    case .readOnly: "mount the disk for writing and give the folder to the server's user"
    case .rollbackDetected:
      "if a backup was restored on purpose, unseal with acceptance of the rollback"
    case .sealed: "run `keyward operator unseal`"
    case .tampered:
      "run `keyward fsck` for all of them, then restore a backup with `keyward backup restore`"
    case .misuse: "report this as a defect"
    }
  }
}

extension StoreError: CustomStringConvertible {
  package var description: String { "\(words); \(remedy)" }
}
