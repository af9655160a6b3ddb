package import KeywardModel
import KeywardStore
import Synchronization

/// Destinations and exports while the server is unsealed: a copy in memory of what the store has.
///
/// Changes are written first, on the writing thread, and shown here once they are durable.
package final class Inventory: Sendable {
  private struct Book {
    var destinations: [RegistryName: Destination] = [:]
    var exports: [ExportID: ExportRecord] = [:]
    /// The exports of each key, so that a guard need not look at all.
    var ofKey: [KeyID: Set<ExportID>] = [:]
    /// The warning that was logged last of each export.
    var warned: [ExportID: ExportWarning] = [:]
    /// What exports with a request on its way to the provider have for themselves.
    var busy: Set<String> = []
  }

  /// The most exports that the inventory has; of those that share a commit up to 63 more.
  static let most = 100_000

  private let book: Mutex<Book>

  /// Reads the records; throws the first that does not read, which a verified store does not have.
  init(_ records: [StoredRecord]) throws(ServiceError) {
    var book = Book()
    for record in records {
      switch record.kind {
      case .destination:
        guard let destination = Destination(decoding: record.body) else {
          throw AccessState.unreadable(record)
        }
        book.destinations[destination.name] = destination
      case .export:
        guard let export = ExportRecord(decoding: record.body) else {
          throw AccessState.unreadable(record)
        }
        book.exports[export.id] = export
        book.ofKey[export.key, default: []].insert(export.id)
      default: break
      }
    }
    self.book = Mutex(book)
  }

  // MARK: - Destinations

  func destination(_ name: RegistryName) -> Destination? {
    book.withLock { $0.destinations[name] }
  }

  /// All of them, by name.
  var destinations: [Destination] {
    book.withLock { Array($0.destinations.values) }.sorted { $0.name < $1.name }
  }

  func put(_ destination: Destination) {
    book.withLock { $0.destinations[destination.name] = destination }
  }

  func remove(_ name: RegistryName) {
    book.withLock { $0.destinations[name] = nil }
  }

  // MARK: - Exports

  func export(_ id: ExportID) -> ExportRecord? {
    book.withLock { $0.exports[id] }
  }

  /// All of them, newest first.
  var exports: [ExportRecord] {
    book.withLock { Array($0.exports.values) }
      .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
  }

  /// Those of one key, newest first.
  func exports(of key: KeyID) -> [ExportRecord] {
    book.withLock { book in (book.ofKey[key] ?? []).compactMap { book.exports[$0] } }
      .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
  }

  /// The provider's identifiers of what other exports to the same destination brought.
  func copies(besides export: ExportRecord) -> Set<String> {
    book.withLock { book in
      Set(
        book.exports.values.lazy
          .filter { $0.id != export.id && $0.destination == export.destination }
          .compactMap(\.copy?.providerKeyID)
      )
    }
  }

  var hasRoom: Bool { book.withLock { $0.exports.count < Self.most } }

  func put(_ export: ExportRecord) {
    book.withLock { book in
      book.exports[export.id] = export
      book.ofKey[export.key, default: []].insert(export.id)
    }
  }

  /// The way to the provider, for one export at a time; nil while another has it.
  ///
  /// No other of the same key version to the same destination, and none into the same key of the
  /// provider: which of two brought a version there could not be told.
  func lane(for export: ExportRecord) -> Lane? {
    var names: Set = [
      "export \(export.id)", Self.lane(export.key, export.version, export.destination),
    ]
    if !export.target.isEmpty { names.insert("target \(export.destination) \(export.target)") }
    return take(names)
  }

  /// The same for one that is being prepared: two at once would make two keys at the provider.
  func lane(for key: KeyID, _ version: Int, _ destination: RegistryName) -> Lane? {
    take([Self.lane(key, version, destination.description)])
  }

  private static func lane(_ key: KeyID, _ version: Int, _ destination: String) -> String {
    "version \(key) \(version) \(destination)"
  }

  private func take(_ names: Set<String>) -> Lane? {
    let isFree = book.withLock { book in
      guard book.busy.isDisjoint(with: names) else { return false }
      book.busy.formUnion(names)
      return true
    }
    return isFree ? Lane(self, names) : nil
  }

  /// A lane that is taken until this goes.
  final class Lane: Sendable {
    private let inventory: Inventory
    private let names: Set<String>

    fileprivate init(_ inventory: Inventory, _ names: Set<String>) {
      self.inventory = inventory
      self.names = names
    }

    deinit { inventory.book.withLock { $0.busy.subtract(names) } }
  }

  /// The warnings that were not logged yet, each once.
  func newWarnings(at now: Timestamp) -> [(ExportRecord, ExportWarning)] {
    book.withLock { book in
      var new: [(ExportRecord, ExportWarning)] = []
      for export in book.exports.values {
        guard let warning = ExportWarning(export, at: now) else { continue }
        guard book.warned.updateValue(warning, forKey: export.id) != warning else { continue }
        new.append((export, warning))
      }
      return new
    }
  }
}

/// How near the end of a copy is, or of what an export under way was prepared with.
package enum ExportWarning: String, CaseIterable, Hashable, Sendable {
  case month = "30 days"
  case week = "7 days"
  case day = "1 day"
  case over

  private static let secondsOfDay: Int64 = 86_400

  /// The warning that is due, if the export matters still and has an end within 30 days.
  package init?(_ export: ExportRecord, at now: Timestamp) {
    let end: Timestamp?
    switch export.state {
    case .prepared, .sending: end = export.parametersValidUntil
    case .delivered, .proved, .contradicted: end = export.validUntil
    // What ended by itself is told until it is renewed or retired.
    case .expired: end = export.sentAt == nil ? nil : export.validUntil
    case .failed, .superseded, .retired: end = nil
    }
    guard let end else { return nil }
    if end <= now {
      self = .over
    } else if end <= now.adding(seconds: Self.secondsOfDay) {
      self = .day
    } else if end <= now.adding(seconds: 7 * Self.secondsOfDay) {
      self = .week
    } else if end <= now.adding(seconds: 30 * Self.secondsOfDay) {
      self = .month
    } else {
      return nil
    }
  }
}
