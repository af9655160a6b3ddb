package import KeywardKeyring
package import KeywardModel

/// What Keyward keeps, whatever keeps it: SQLite here, PostgreSQL next.
///
/// The unit is the transaction. Nothing above may assume that it is the only writer: a change names
/// the row as its writer knew it, and fails with `conflict` if the row is another by now. All
/// methods block; call them from a thread that may.
package protocol Store: AnyObject, Sendable {
  /// The store's id; nil before `initialize`.
  var identity: StoreID? { get throws }

  // What a sealed store gives, unauthenticated: enough to unseal.

  /// The ways to the root key, in the order of their slots.
  func seals() throws -> [StoredSeal]
  /// The keyring's terms, wrapped by the root key, ascending.
  func terms() throws -> [WrappedTerm]
  /// A fact by name; nil if there is none.
  func meta(_ name: MetaName) throws -> [UInt8]?

  // While sealed nothing can be authenticated, so what happens then goes to a journal.

  /// Appends entries, durably; beyond `journalLimit` they are only counted.
  func appendJournal(_ entries: [[UInt8]]) throws
  /// How many entries the journal has.
  var journalCount: Int { get throws }

  // Life.

  /// Gives an empty store its identity, seals and first term, and unlocks it.
  func initialize(_ contents: InitialContents, keys: StoreKeys) throws
  /// Verifies every row and loads what is kept in memory; the keys stay until `lock`.
  func unlock(_ keys: StoreKeys, accepting: Set<Acceptance>) throws -> LoadedState
  /// Forgets the keys.
  func lock()
  /// Whether the store has its keys.
  var isUnlocked: Bool { get }

  // Work.

  /// Runs `body` in one transaction: all of it is durable when this returns, or none of it is there.
  func write<R: Sendable>(
    durability: Durability,
    _ body: (any StoreTransaction) throws -> R
  ) throws -> R
  /// Runs `body` on a consistent view. Keep it short: writes wait.
  func read<R: Sendable>(_ body: (any StoreReader) throws -> R) throws -> R
  /// Checks everything on a copy, so that requests go on; without `keyring` no material is opened.
  func check(keyring: Keyring?) throws -> CheckReport
  /// Begins a backup of the unlocked store; `now` is its date.
  func backup(at now: Timestamp) throws -> any StoreBackup
  /// Makes sure that envelopes which transactions owe a scrub of are in no file of the store; those of a
  /// process before this one too. Returns whether more are owed: of one call there is a bound.
  func scrub() throws -> Bool
}

/// A way to the root key: the bytes of a seal record, by slot.
package struct StoredSeal: Hashable, Sendable {
  /// From 0; a store may have an automatic seal and recovery shares beside it.
  package let slot: Int64
  package let record: [UInt8]

  package init(slot: Int64, record: [UInt8]) {
    self.slot = slot
    self.record = record
  }
}

/// The names of the facts that a store keeps about itself.
package enum MetaName: String, Sendable, CaseIterable {
  /// The store's id; written by `initialize`, never changed.
  case storeID = "store_id"
  /// The name in the audit log's checkpoints.
  case auditOrigin = "audit_origin"
  /// The private key that signs audit checkpoints, wrapped.
  case auditSigningKey = "audit_signing_key"
  /// The verifier of the audit log's checkpoints, public.
  case auditVerifier = "audit_verifier"
}

/// What `initialize` writes.
package struct InitialContents: Sendable {
  package let store: StoreID
  package let seals: [StoredSeal]
  package let terms: [WrappedTerm]
  /// All names but the store's id.
  package let meta: [MetaName: [UInt8]]
  /// What the journal begins with: there is no store without the entry of its making.
  package let journal: [[UInt8]]

  package init(
    store: StoreID,
    seals: [StoredSeal],
    terms: [WrappedTerm],
    meta: [MetaName: [UInt8]],
    journal: [[UInt8]] = []
  ) {
    self.store = store
    self.seals = seals
    self.terms = terms
    self.meta = meta
    self.journal = journal
  }
}

/// What an operator accepts explicitly at unseal.
package enum Acceptance: String, Hashable, Sendable, CaseIterable {
  /// An older database than the anchor says, or no anchor: after a restore.
  case rollback
  /// Rows that do not verify: they are left out, and moved aside by the next write.
  case damage
}

/// How long a commit waits for the anchor file.
package enum Durability: Sendable {
  /// Only audit entries: the anchor is written, not synced.
  case auditOnly
  /// Anything else: the anchor is synced too.
  case change
}

/// All that a store keeps in memory while it is unlocked, verified.
package struct LoadedState: Sendable {
  package let store: StoreID
  /// All keys with their versions, deleted ones too, in the order of their ids.
  package let keys: [Key]
  package let terms: [WrappedTerm]
  package let seals: [StoredSeal]
  package let meta: [MetaName: [UInt8]]
  /// All records, in the order of kind and id.
  package let records: [StoredRecord]
  /// The number of audit entries.
  package let auditSize: UInt64
  /// The frontier of the audit log's tree as it was given to `setFrontier`.
  package let frontier: [UInt8]
  /// The state counter: one more with each write.
  package let counter: UInt64
  /// What had to be accepted; write an audit entry about each before anything else.
  package let accepted: Set<Acceptance>
  /// What did not verify and was left out; not empty only with `.damage`.
  package let findings: [Finding]
}

/// One entry of the audit log as it is kept.
package struct StoredAuditEntry: Hashable, Sendable {
  package let index: UInt64
  package let entry: [UInt8]
  package let leafHash: [UInt8]

  package init(index: UInt64, entry: [UInt8], leafHash: [UInt8]) {
    self.index = index
    self.entry = entry
    self.leafHash = leafHash
  }
}

/// One signed checkpoint of the audit log.
package struct StoredCheckpoint: Hashable, Sendable {
  package let size: UInt64
  package let note: [UInt8]
  /// The encoded frontier of the tree of this size; it may be empty.
  package let frontier: [UInt8]

  package init(size: UInt64, note: [UInt8], frontier: [UInt8]) {
    self.size = size
    self.note = note
    self.frontier = frontier
  }
}

/// What was written down while the store was sealed.
package struct DrainedJournal: Hashable, Sendable {
  package let entries: [[UInt8]]
  /// Entries beyond the limit, of which only the number is known.
  package let dropped: Int64

  package init(entries: [[UInt8]], dropped: Int64) {
    self.entries = entries
    self.dropped = dropped
  }
}

/// A backup on its way out: pieces of an encrypted copy of the store as of one moment.
///
/// Not for use from two threads at once. A backup that is not read to its end is no backup.
package protocol StoreBackup: AnyObject {
  /// What the header of the backup says; nil before the first piece.
  var header: BackupHeader? { get }
  /// The next piece, at most some 64 KiB; nil at the end. The first call makes the copy, and can
  /// take seconds; writes go on meanwhile.
  func next() throws -> [UInt8]?
  /// Gives up, and removes the copy.
  func close()
}

/// Reads on a consistent view; valid within the body that it was given to.
package protocol StoreReader: AnyObject {
  /// Audit entries from an index on, at most `limit`, ascending.
  func auditEntries(from index: UInt64, limit: Int) throws -> [StoredAuditEntry]
  /// The leaf hashes of the entries from `range`'s lower to below its upper bound.
  func leafHashes(_ range: Range<UInt64>) throws -> [[UInt8]]
  /// The hashes of the tiles from `range`'s lower to below its upper bound.
  func tileHashes(_ range: Range<UInt64>) throws -> [[UInt8]]
  /// The number of audit entries in the table.
  func auditCount() throws -> UInt64
  /// Checkpoints from a tree size on, at most `limit`, ascending.
  func checkpoints(from size: UInt64, limit: Int) throws -> [StoredCheckpoint]
  /// The checkpoint of the largest tree.
  func latestCheckpoint() throws -> StoredCheckpoint?
}

/// One transaction; valid within the body that it was given to.
///
/// An error thrown out of the body undoes all of it.
package protocol StoreTransaction: StoreReader {
  // Keys.

  /// Adds a key with all its versions.
  func insertKey(_ key: Key) throws
  /// Changes the row of a key; `old` is the key as the writer knew it. Versions are not touched.
  func updateKey(_ key: Key, from old: Key) throws
  /// Adds a version to a key.
  func insertVersion(_ version: KeyVersion, of key: KeyID) throws
  /// Changes a version; `old` is the version as the writer knew it.
  func updateVersion(_ version: KeyVersion, from old: KeyVersion, of key: KeyID) throws

  // Seals, terms, facts.

  /// Adds a seal, or puts it in the place of the one in its slot.
  func putSeal(_ seal: StoredSeal) throws
  func removeSeal(slot: Int64) throws
  func insertTerm(_ term: WrappedTerm) throws
  func removeTerm(_ number: UInt32) throws
  func setMeta(_ name: MetaName, _ value: [UInt8]) throws

  // Records.

  /// Adds a record; a second one of the same kind and id is a conflict.
  func insertRecord(_ record: StoredRecord) throws
  /// Changes the body of a record; `old` is the record as the writer knew it.
  func updateRecord(_ record: StoredRecord, from old: StoredRecord) throws
  /// Removes a record that is as the writer knew it.
  func deleteRecord(_ old: StoredRecord) throws

  /// Says of envelopes that are overwritten or deleted here that no copy of them may stay in a file: once
  /// this is committed, `Store.scrub` sees to it, after a crash as well.
  func oweScrub(of removed: [[UInt8]]) throws

  // Audit.

  /// Appends an entry; `index` must be the number of entries so far.
  func appendAudit(index: UInt64, entry: [UInt8], leafHash: [UInt8]) throws
  /// Keeps the frontier of the tree after the entries appended so far.
  func setFrontier(_ frontier: [UInt8]) throws
  /// Keeps the hash of a full tile of entries.
  func insertTile(index: UInt64, hash: [UInt8]) throws
  func insertCheckpoint(_ checkpoint: StoredCheckpoint) throws
  /// Takes out all journal entries in their order.
  func drainJournal() throws -> DrainedJournal

  // Parts.

  /// Runs a part that may fail alone: its error undoes the part, not the transaction.
  func savepoint<R>(_ body: () throws -> R) throws -> R
}
