package import KeywardAudit
package import KeywardModel
package import KeywardStore
import Synchronization

/// Makes audit entries and changes durable, many with one fsync, in the order they came.
///
/// One thread does all writing. What arrives while a commit is on its way to the disk waits and goes
/// together with the next: 64 callers share one `fdatasync`. A reply runs only after the entry of
/// its operation is on disk; if the commit fails, every reply of the batch is a failure, so no
/// secret leaves without its entry. The entries themselves are put into words here and not by the
/// event loop that submits them: the loop is what all requests wait for. Changes have a commit each,
/// since one may read what the one before it changes; those that say that they are about their own
/// resource alone share it.
package final class Committer: Sendable {
  /// What a change hands back: called once it is durable, to show it to readers.
  package typealias Apply = @Sendable () -> Void
  package typealias Reply = @Sendable (Result<Void, ServiceError>) -> Void
  /// Rows that go with an entry and cannot be in the way of anybody else's: a new token, a `jti`.
  package typealias Rows = @Sendable (any StoreTransaction) throws -> Void

  private struct Queue {
    var work: [Work] = []
    /// The committer while there is work: it must not be gone before all replies are.
    var drained: Committer?
  }

  /// The most operations that wait for the disk; beyond them the server is overloaded.
  private static let longestQueue = 65_536
  private static let overload = ServiceError(
    .unavailable,
    "Too many operations wait for the disk.",
    remedy: "Try again later."
  )

  private let store: any Store
  private let thread = CommitThread()
  private let pending = Mutex(Queue())
  private let position = Mutex<LogPosition?>(nil)
  private let broken = Atomic<Bool>(false)
  private let refusal = Mutex<StoreError?>(nil)
  private let overtaken = Mutex<(@Sendable (AuditRecord) -> Void)?>(nil)
  private let onFatal: @Sendable (StoreError) -> Void

  /// `onFatal` is called when the disk refused an fsync: the process must stop, since what the
  /// kernel dropped cannot be known.
  package init(store: any Store, onFatal: @escaping @Sendable (StoreError) -> Void) {
    self.store = store
    self.onFatal = onFatal
    thread.start { [weak self] in self?.drain() }
  }

  deinit { thread.end() }

  /// Whether the last commit failed: no operation can be answered until one succeeds.
  package var isBroken: Bool { broken.load(ordering: .acquiring) }

  /// Says what becomes of the record of an operation that a seal overtook in the queue.
  func whenOvertaken(_ body: @escaping @Sendable (AuditRecord) -> Void) {
    overtaken.withLock { $0 = body }
  }

  /// How many operations wait for the disk.
  var waiting: Int { pending.withLock { $0.work.count } }

  /// How many entries the log has; nil while sealed.
  package var logSize: UInt64? { position.withLock { $0?.size } }

  /// What verifies the checkpoints of the log; nil while sealed.
  package var logKey: NoteVerifierKey? { position.withLock { $0?.verifierKey } }

  /// Gives the log to append to, or takes it away with the seal.
  ///
  /// On the writing thread only.
  func setLog(_ log: LogPosition?) {
    position.withLock { $0 = log }
  }

  /// The log as it stands.
  ///
  /// On the writing thread only.
  func currentLog() -> LogPosition? {
    position.withLock { $0 }
  }

  /// Makes `record` durable, and `rows` with it, then calls `reply`.
  ///
  /// Many of these share one commit. Rows that cannot be written fail their own operation alone.
  package func submit(
    _ record: AuditRecord,
    rows: Rows? = nil,
    reply: @escaping Reply
  ) {
    enqueue(.entry(Entry([record], rows: rows, reply: reply)))
  }

  /// Makes all records of one request durable in one commit, then calls `reply`.
  package func submit(_ records: [AuditRecord], reply: @escaping Reply) {
    enqueue(.entry(Entry(records, reply: reply)))
  }

  /// Runs `change` in a transaction together with its entry, then calls `reply`.
  ///
  /// A change that throws leaves no trace but its entry, which then says why it failed. With
  /// `isOfItsResourceAlone` it may share the commit of changes of other resources, which it does not see;
  /// then it is run once more, if the commit fails.
  package func submit(
    _ record: AuditRecord,
    isOfItsResourceAlone: Bool = false,
    change: @escaping @Sendable (any StoreTransaction, inout AuditRecord) throws -> Apply,
    reply: @escaping Reply
  ) {
    enqueue(
      .change(
        Modification(
          record: record,
          isOfItsResourceAlone: isOfItsResourceAlone,
          run: change,
          reply: reply
        )
      )
    )
  }

  /// Runs `body` on the writing thread, between commits: seal, unseal, steps of a backup.
  package func exclusively(_ body: @escaping @Sendable () -> Void) {
    enqueue(.exclusive(body))
  }

  /// Commits at once what `body` writes, with `events` before and a checkpoint after it.
  ///
  /// On the writing thread only: for unseal, seal and the tick of maintenance.
  func commitNow(
    _ log: LogPosition,
    durability: Durability,
    signing: Bool,
    _ body: (any StoreTransaction, inout LogPosition) throws -> Void
  ) throws {
    do {
      let next = try store.write(durability: durability) { transaction in
        var log = log
        try body(transaction, &log)
        try log.finish(in: transaction, signing: signing)
        return log
      }
      position.withLock { $0 = next }
      broken.store(false, ordering: .releasing)
    } catch {
      broken.store(true, ordering: .releasing)
      stopIfFatal(error)
      throw error
    }
  }

  /// Remembers that the store refused a statement of the change that is running, so that the whole
  /// commit fails, whatever the change makes of it.
  ///
  /// On the writing thread only.
  func noteRefusal(_ error: StoreError) {
    refusal.withLock { $0 = $0 ?? error }
  }

  private func takeRefusal() -> StoreError? {
    refusal.withLock { refusal in
      defer { refusal = nil }
      return refusal
    }
  }

  /// Ends the process if `error` says that the disk can no longer be relied on.
  func stopIfFatal(_ error: any Error) {
    if let error = error as? StoreError, error.isFatal { onFatal(error) }
  }

  private func enqueue(_ work: Work) {
    let (isTaken, mustStart) = pending.withLock { queue in
      guard queue.work.count < Committer.longestQueue || work.isExclusive else {
        return (false, false)
      }
      queue.work.append(work)
      defer { queue.drained = self }
      return (true, queue.drained == nil)
    }
    if mustStart { thread.wake() }
    if !isTaken { work.refuse(Committer.overload) }
  }

  private func drain() {
    while true {
      let batch = pending.withLock { queue in
        let work = queue.work
        queue.work = []
        if work.isEmpty { queue.drained = nil }
        return work
      }
      if batch.isEmpty { return }
      process(batch)
    }
  }

  /// Commits what waits, in the order it came.
  private func process(_ work: [Work]) {
    var batch = Batch()
    for work in work {
      switch work {
      case .entry(let entry):
        // The log has the order in which things came.
        if !batch.changes.isEmpty {
          commit(batch)
          batch = Batch()
        }
        batch.entries.append(entry)
        batch.recordCount += entry.records.count
      case .change(let change):
        if !batch.takes(change) {
          commit(batch)
          batch = Batch()
        }
        batch.changes.append(change)
      case .exclusive(let body):
        commit(batch)
        batch = Batch()
        body()
      }
      if batch.isClosed {
        commit(batch)
        batch = Batch()
      }
    }
    commit(batch)
  }

  private func commit(_ batch: Batch) {
    let (entries, changes) = (batch.entries, batch.changes)
    if entries.isEmpty && changes.isEmpty { return }
    guard let log = currentLog() else { return refuseOvertaken(batch) }
    // As the changes left them, however far they came.
    var attempted: [AuditRecord] = []
    do {
      let (next, outcomes, applies) = try store.write(
        durability: changes.isEmpty ? .auditOnly : .change
      ) {
        transaction in
        try append(batch, &attempted, to: log, in: transaction)
      }
      position.withLock { $0 = next }
      broken.store(false, ordering: .releasing)
      // Readers see the changes before their callers hear of them.
      for case .success(let apply) in applies { apply() }
      for (entry, outcome) in zip(entries, outcomes) { entry.reply(outcome) }
      for (change, outcome) in zip(changes, applies) { change.reply(outcome.map { _ in () }) }
    } catch {
      // What SQLite said first is the cause; what came after it is its consequence.
      let error = takeRefusal() ?? error
      stopIfFatal(error)
      guard let change = changes.first else {
        broken.store(true, ordering: .releasing)
        let failure = ServiceError(store: error)
        for entry in entries { entry.reply(.failure(failure)) }
        return
      }
      // A change may be what the disk has no room for: the others do not fail with it.
      commit(Batch(entries: entries))
      guard changes.count == 1 else {
        for change in changes { commit(Batch(changes: [change])) }
        return
      }
      var record = attempted.first ?? change.record
      let failure = ServiceError(store: error)
      record.fail(failure)
      let reply = change.reply
      commit(
        Batch(entries: [Entry(record.entries) { @Sendable _ in reply(.failure(failure)) }])
      )
    }
  }

  /// Sealed meanwhile: nothing of this can be answered any more.
  private func refuseOvertaken(_ batch: Batch) {
    let overtaken = overtaken.withLock { $0 }
    for entry in batch.entries {
      for record in entry.records { overtaken?(record) }
      entry.reply(.failure(.sealed))
    }
    for change in batch.changes {
      overtaken?(change.record)
      change.reply(.failure(.sealed))
    }
  }

  private func append(
    _ batch: Batch,
    _ attempted: inout [AuditRecord],
    to log: LogPosition,
    in transaction: any StoreTransaction
  ) throws -> (LogPosition, [Result<Void, ServiceError>], [Result<Apply, ServiceError>]) {
    var log = log
    var outcomes: [Result<Void, ServiceError>] = []
    outcomes.reserveCapacity(batch.entries.count)
    for entry in batch.entries {
      guard let rows = entry.rows else {
        outcomes.append(.success(()))
        for record in entry.records { log.append(record.event(), at: record.time) }
        continue
      }
      var records = entry.records
      outcomes.append(try write(rows, &records, in: transaction))
      for record in records { log.append(record.event(), at: record.time) }
    }
    var applies: [Result<Apply, ServiceError>] = []
    applies.reserveCapacity(batch.changes.count)
    for change in batch.changes {
      var record = change.record
      defer { attempted.append(record) }
      do {
        applies.append(
          .success(try transaction.savepoint { try change.run(transaction, &record) })
        )
      } catch let error as ServiceError {
        if let refusal = takeRefusal() { throw refusal }
        record.fail(error)
        applies.append(.failure(error))
      }
      for event in record.events() { log.append(event, at: record.time) }
    }
    try log.finish(in: transaction)
    return (log, outcomes, applies)
  }

  /// Writes the rows of an entry as a part of their own; a full disk fails the whole commit.
  private func write(
    _ rows: Rows,
    _ records: inout [AuditRecord],
    in transaction: any StoreTransaction
  ) throws -> Result<Void, ServiceError> {
    do {
      try transaction.savepoint { try rows(transaction) }
      return .success(())
    } catch let error as StoreError {
      switch error {
      case .conflict, .constraint:
        let failure = ServiceError(store: error)
        for index in records.indices { records[index].fail(failure) }
        return .failure(failure)
      default: throw error
      }
    }
  }
}
