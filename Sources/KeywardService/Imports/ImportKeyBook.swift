import KeywardModel
package import KeywardStore
import Synchronization

/// The wrapping keys for imports while the server is unsealed: a copy in memory of what the store has.
///
/// Changes are written first, on the writing thread, and shown here once they are durable.
package final class ImportKeyBook: Sendable {
  /// The most keys that wait at a time: of one name, of who fetched them, and of all.
  static let mostOfName = 4
  static let mostOwn = 32
  static let most = 1000

  private struct Book {
    var keys: [WrappingKeyID: ImportKeyRecord] = [:]
    /// Those that a blob is tried under now.
    var busy: Set<WrappingKeyID> = []
  }

  private let book: Mutex<Book>

  /// Reads the records; throws the first that does not read, which a verified store does not have.
  init(_ records: [StoredRecord]) throws(ServiceError) {
    var book = Book()
    for record in records where record.kind == .importKey {
      guard let key = ImportKeyRecord(decoding: record) else {
        throw AccessState.unreadable(record)
      }
      book.keys[key.id] = key
    }
    self.book = Mutex(book)
  }

  subscript(_ id: WrappingKeyID) -> ImportKeyRecord? { book.withLock { $0.keys[id] } }

  /// All of them, as the store keeps them.
  package var stored: [StoredRecord] { book.withLock { $0.keys.values.map(\.stored) } }

  /// Those of one name.
  func keys(for name: KeyName) -> [ImportKeyRecord] {
    book.withLock { $0.keys.values.filter { $0.name == name } }
  }

  /// Those that serve no more.
  func expired(at now: Timestamp, limit: Int) -> [ImportKeyRecord] {
    book.withLock { Array($0.keys.values.lazy.filter { !$0.holds(at: now) }.prefix(limit)) }
  }

  func put(_ key: ImportKeyRecord) {
    book.withLock { $0.keys[key.id] = key }
  }

  func remove(_ keys: [ImportKeyRecord]) {
    book.withLock { book in for key in keys { book.keys[key.id] = nil } }
  }

  /// Refuses one key more than there may be.
  func checkRoom(
    for name: KeyName,
    of principal: Principal,
    at now: Timestamp
  ) throws(ServiceError) {
    let waiting = book.withLock { $0.keys.values.filter { $0.holds(at: now) } }
    let own = waiting.filter { $0.name == name }
    guard own.count < Self.mostOfName else {
      throw ServiceError(
        .tooManyRequests,
        "The key '\(name)' has \(Self.mostOfName) wrapping keys that wait for an import.",
        remedy: "Use one of them, or wait until one ends: "
          + "\(own.map(\.expiresAt).min()?.rfc3339 ?? "soon")."
      )
    }
    let fetched = waiting.filter { $0.requester.isSameIdentity(as: principal) }
    guard fetched.count < Self.mostOwn else {
      throw ServiceError(
        .tooManyRequests,
        "You have \(Self.mostOwn) wrapping keys that wait for their imports.",
        remedy: "Use some of them, or wait until one ends: "
          + "\(fetched.map(\.expiresAt).min()?.rfc3339 ?? "soon")."
      )
    }
    guard waiting.count < Self.most else {
      throw ServiceError(
        .tooManyRequests,
        "\(Self.most) wrapping keys wait for their imports.",
        remedy: "Wait until some are used or have ended; give a shorter --ttl."
      )
    }
  }

  /// A key to try a blob under, for one request at a time, so that no attempt is left uncounted.
  func turn(_ id: WrappingKeyID) throws(ServiceError) -> Turn {
    guard book.withLock({ $0.busy.insert(id).inserted }) else {
      throw ServiceError(
        .conflict,
        "Another import under this wrapping key is under way.",
        remedy: "Look with 'keyward key show' whether it came about; else try again."
      )
    }
    return Turn(self, id)
  }

  /// A key that is had until `end`, or until this goes.
  final class Turn: Sendable {
    private let owner: Mutex<ImportKeyBook?>
    private let id: WrappingKeyID

    fileprivate init(_ owner: ImportKeyBook, _ id: WrappingKeyID) {
      self.owner = Mutex(owner)
      self.id = id
    }

    deinit { end() }

    func end() {
      let owner = owner.withLock { owner in
        defer { owner = nil }
        return owner
      }
      owner?.book.withLock { _ = $0.busy.remove(id) }
    }
  }
}
