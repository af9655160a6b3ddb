import KeywardAudit
import KeywardModel
import KeywardStore

/// What waits for the disk, and what goes there together.
extension Committer {
  /// An operation that changes nothing but the log and, with `rows`, adds what is its own.
  struct Entry {
    /// One, or those of a request that asked for several things, which are never torn apart.
    let records: [AuditRecord]
    let rows: Rows?
    let reply: Reply

    init(_ records: [AuditRecord], rows: Rows? = nil, reply: @escaping Reply) {
      self.records = records
      self.rows = rows
      self.reply = reply
    }
  }

  /// An operation that changes the store.
  struct Modification {
    let record: AuditRecord
    /// Whether it neither reads nor writes what a change of another resource writes.
    let isOfItsResourceAlone: Bool
    let run: @Sendable (any StoreTransaction, inout AuditRecord) throws -> Apply
    let reply: Reply
  }

  enum Work {
    case entry(Entry)
    case change(Modification)
    case exclusive(@Sendable () -> Void)

    /// Work of the server itself, which is bounded by its makers.
    var isExclusive: Bool {
      if case .exclusive = self { true } else { false }
    }

    func refuse(_ error: ServiceError) {
      switch self {
      case .entry(let entry): entry.reply(.failure(error))
      case .change(let change): change.reply(.failure(error))
      case .exclusive: break
      }
    }
  }

  /// What one commit makes durable: entries, then changes.
  struct Batch {
    /// The most entries of one commit.
    private static let mostEntries = 512
    /// The most changes of one commit.
    private static let mostChanges = 64

    var entries: [Entry] = []
    var changes: [Modification] = []
    /// How many records the entries have.
    var recordCount = 0

    /// Whether nothing that comes after it may go into the same commit.
    var isClosed: Bool {
      recordCount >= Self.mostEntries || changes.count >= Self.mostChanges
        || changes.last?.isOfItsResourceAlone == false
    }

    /// Whether `change` may go into the same commit.
    func takes(_ change: Modification) -> Bool {
      changes.isEmpty
        || (change.isOfItsResourceAlone
          && changes.allSatisfy { $0.record.resource != change.record.resource })
    }
  }
}
