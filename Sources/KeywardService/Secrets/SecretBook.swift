import KeywardKeyring
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Synchronization

/// Environments and secrets of an unsealed store, in memory; reads never wait for a write to disk.
///
/// Values stay wrapped here: they are opened for the request that asks for them and no longer. What
/// writes is the writing thread alone, which shows a change once it is durable.
package final class SecretBook: Sendable {
  /// A secret and the envelopes of its versions; immutable, so that a reader has one moment of it.
  package final class Entry: Sendable {
    package let secret: Secret
    /// By number of the version; destroyed ones have none.
    let envelopes: [Int: [UInt8]]
    /// Of the envelopes and the record with the history, as the store has them.
    let bytes: Int

    init(_ secret: Secret, _ envelopes: [Int: [UInt8]]) {
      self.secret = secret
      self.envelopes = envelopes
      bytes = envelopes.values.reduce(secret.encoded.count) { $0 + $1.count }
    }

    /// As policy names it.
    var resource: ResourcePath { ResourcePath(.secret(secret.environment, secret.name)) }

    var stored: StoredRecord {
      StoredRecord(kind: .secret, id: secret.id.description, body: secret.encoded)
    }

    func storedVersion(_ number: Int) -> StoredRecord? {
      envelopes[number].map {
        StoredRecord(kind: .secretVersion, id: secret.versionRecordID(number), body: $0)
      }
    }
  }

  private struct Tables {
    var tree: EnvironmentTree
    var entries: [SecretPath: Entry] = [:]
    /// Paths in order, made when a listing first asks for them.
    var sorted: [SecretPath]?
    var bytes = 0
    /// What waits to be wrapped under the newest term.
    var rewrap: [SecretPath] = []
  }

  /// The most bytes of all envelopes and records together: they are kept in memory.
  package static let mostBytes = 256 << 20
  /// The most secrets, those included of which only the history is left.
  package static let mostSecrets = 100_000

  let uses: SecretUses
  private let tables: Mutex<Tables>

  /// Reads every record; throws the first that does not read, which a verified store does not have.
  init(_ records: [StoredRecord], term: UInt32) throws(ServiceError) {
    var environments: [Environment] = []
    var secrets: [Secret] = []
    var envelopes: [String: [UInt8]] = [:]
    for record in records {
      switch record.kind {
      case .environment:
        guard let environment = Environment(decoding: record.body) else {
          throw AccessState.unreadable(record)
        }
        environments.append(environment)
      case .secret:
        guard let secret = Secret(decoding: record.body) else {
          throw AccessState.unreadable(record)
        }
        secrets.append(secret)
      case .secretVersion: envelopes[record.id] = record.body
      default: break
      }
    }
    var tables = Tables(tree: EnvironmentTree(environments))
    for secret in secrets {
      var own: [Int: [UInt8]] = [:]
      for version in secret.versions where version.destroyedAt == nil {
        own[version.number] = envelopes[secret.versionRecordID(version.number)]
      }
      let entry = Entry(secret, own)
      tables.entries[secret.path] = entry
      tables.bytes += entry.bytes
    }
    Self.fillRewrap(&tables, term: term)
    uses = SecretUses(records)
    for secret in secrets { uses.keep(secret) }
    self.tables = Mutex(tables)
  }

  package var tree: EnvironmentTree { tables.withLock { $0.tree } }

  func replaceTree(_ tree: EnvironmentTree) {
    tables.withLock { $0.tree = tree }
  }

  /// The secret at a path, gone ones too.
  package func entry(_ path: SecretPath) -> Entry? {
    tables.withLock { $0.entries[path] }
  }

  /// The first environment of `chain` that has the secret, and how many steps away it is.
  func find(
    _ name: SecretName,
    in chain: [EnvironmentName]
  ) -> (entry: Entry, depth: Int)? {
    tables.withLock { Self.find(name, in: chain, $0) }
  }

  /// The same for who was authorized to reach `source`, and nothing else outside the first environment.
  ///
  /// Policy was asked a moment before: a value of another environment than the one that it was asked
  /// about is refused, since what covered it went in between.
  func find(
    _ name: SecretName,
    in chain: [EnvironmentName],
    reaching source: ResourcePath?
  ) throws(ServiceError) -> (entry: Entry, depth: Int)? {
    guard let found = find(name, in: chain) else { return nil }
    guard found.depth == 0 || found.entry.resource == source else {
      throw ServiceError(
        .conflict,
        "The secret '\(name)' changed while it was read.",
        remedy: "Send the request again."
      )
    }
    return found
  }

  private static func find(
    _ name: SecretName,
    in chain: [EnvironmentName],
    _ tables: Tables
  ) -> (entry: Entry, depth: Int)? {
    for (depth, environment) in chain.enumerated() {
      if let entry = tables.entries[SecretPath(environment, name)], !entry.secret.isGone {
        return (entry, depth)
      }
    }
    return nil
  }

  /// The secret that an operation on another reaches, as that one inherits it.
  ///
  /// Nil for what is in the environment itself, for what is nowhere, and for operations that stay in
  /// the environment that they name.
  func source(of resource: Resource, for operation: ServiceOperation) -> ResourcePath? {
    guard operation == .secretRead || operation == .secretShow,
      case .secret(let environment, let name) = resource
    else { return nil }
    let found = tables.withLock { tables in
      Self.find(name, in: tables.tree.chain(environment), tables)
    }
    return Self.source(found)
  }

  /// Where what was found is from, if that is another environment than the one that was asked for.
  static func source(_ found: (entry: Entry, depth: Int)?) -> ResourcePath? {
    guard let found, found.depth > 0 else { return nil }
    return found.entry.resource
  }

  func put(_ entry: Entry) {
    tables.withLock { tables in
      let old = tables.entries.updateValue(entry, forKey: entry.secret.path)
      if old == nil { tables.sorted = nil }
      tables.bytes += entry.bytes - (old?.bytes ?? 0)
    }
    uses.keep(entry.secret)
  }

  /// Refuses an entry that memory has no room for; one that is no larger than before has.
  func checkRoom(for new: Entry, over old: Entry?) throws(ServiceError) {
    guard old != nil || count < Self.mostSecrets else {
      throw ServiceError(
        .limitExceeded,
        "There are \(Self.mostSecrets) secrets, and no more can be written.",
        remedy: "Put values that belong together into one secret, as its fields."
      )
    }
    let growth = new.bytes - (old?.bytes ?? 0)
    guard growth <= 0 || bytes + growth <= Self.mostBytes else {
      throw ServiceError(
        .limitExceeded,
        "All secrets together, with their histories, have at most \(Self.mostBytes) bytes.",
        remedy: "Destroy versions that nobody needs, or keep fewer with --max-versions."
      )
    }
  }

  /// How many bytes of envelopes and records there are.
  package var bytes: Int { tables.withLock { $0.bytes } }

  package var count: Int { tables.withLock { $0.entries.count } }

  /// Whether any secret, also one that is gone, is in the environment.
  func isUsed(_ environment: EnvironmentName) -> Bool {
    tables.withLock { $0.entries.keys.contains { $0.environment == environment } }
  }

  /// All paths in order.
  func paths() -> [SecretPath] {
    tables.withLock { tables in
      if let sorted = tables.sorted { return sorted }
      let sorted = tables.entries.keys.sorted()
      tables.sorted = sorted
      return sorted
    }
  }

  // MARK: - Rewrap

  /// Puts all secrets in line that have values under another term.
  func fillRewrap(term: UInt32) {
    tables.withLock { Self.fillRewrap(&$0, term: term) }
  }

  var rewrapPending: Int { tables.withLock { $0.rewrap.count } }

  func nextToRewrap(_ limit: Int) -> [SecretPath] {
    tables.withLock { tables in
      let batch = Array(tables.rewrap.suffix(limit))
      tables.rewrap.removeLast(batch.count)
      return batch
    }
  }

  func giveBack(_ batch: [SecretPath]) {
    tables.withLock { $0.rewrap.append(contentsOf: batch) }
  }

  private static func fillRewrap(_ tables: inout Tables, term: UInt32) {
    tables.rewrap = tables.entries.values.filter { entry in
      entry.envelopes.values.contains { Envelope.version(of: $0) != term }
    }.map(\.secret.path)
  }
}
