import KeywardModel
import KeywardStore
import Synchronization

/// When and by whom the versions of secrets were read last.
///
/// Kept in memory and written in bounded batches, so that a read costs no write of its own. After a
/// crash the last minute may be missing; the audit log has every read.
final class SecretUses: Sendable {
  struct Use: Hashable, Sendable {
    let principal: String
    var at: Timestamp
  }

  /// Principals that are remembered of one version, the last ones.
  static let mostPrincipals = 16
  private static let label = "keyward/secret-use/1"

  private struct State {
    var uses: [SecretID: [Int: [Use]]] = [:]
    /// As the store has them.
    var stored: [SecretID: StoredRecord] = [:]
    var changed: Set<SecretID> = []
  }

  private let state: Mutex<State>

  init(_ records: [StoredRecord]) {
    var state = State()
    for record in records where record.kind == .secretUse {
      // What does not read is forgotten: nothing but a report goes by it.
      guard let id = SecretID(record.id) else { continue }
      state.stored[id] = record
      state.uses[id] = Self.decode(record.body)
    }
    self.state = Mutex(state)
  }

  func note(_ reads: [(id: SecretID, version: Int)], by principal: String, at now: Timestamp) {
    state.withLock { state in
      for read in reads {
        var uses = state.uses[read.id]?[read.version] ?? []
        if let index = uses.firstIndex(where: { $0.principal == principal }) {
          uses[index].at = now
          uses.swapAt(0, index)
        } else {
          uses.insert(Use(principal: principal, at: now), at: 0)
          if uses.count > Self.mostPrincipals { uses.removeLast() }
        }
        state.uses[read.id, default: [:]][read.version] = uses
        state.changed.insert(read.id)
      }
    }
  }

  /// Forgets the uses of versions that a secret no longer has.
  func keep(_ secret: Secret) {
    state.withLock { state in
      guard let uses = state.uses[secret.id] else { return }
      let kept = uses.filter { secret.version($0.key) != nil }
      guard kept.count < uses.count else { return }
      state.uses[secret.id] = kept
      state.changed.insert(secret.id)
    }
  }

  func uses(_ id: SecretID) -> [Int: [Use]] {
    state.withLock { $0.uses[id] ?? [:] }
  }

  func lastUse(_ id: SecretID) -> Timestamp? {
    state.withLock { $0.uses[id]?.values.flatMap { $0.map(\.at) }.max() }
  }

  /// Up to `limit` records to write, each with the one that the store has.
  func changed(_ limit: Int) -> [(id: SecretID, new: StoredRecord, old: StoredRecord?)] {
    state.withLock { state in
      state.changed.prefix(limit).compactMap { id in
        guard let uses = state.uses[id] else { return nil }
        let body = Self.encode(uses)
        let record = StoredRecord(kind: .secretUse, id: id.description, body: body)
        return (id, record, state.stored[id])
      }
    }
  }

  /// Remembers that the store has these.
  func stored(_ records: [(id: SecretID, new: StoredRecord, old: StoredRecord?)]) {
    state.withLock { state in
      for (id, new, _) in records {
        state.stored[id] = new
        if Self.encode(state.uses[id] ?? [:]) == new.body { state.changed.remove(id) }
      }
    }
  }

  private static func encode(_ uses: [Int: [Use]]) -> [UInt8] {
    var writer = RecordWriter(label)
    for (version, list) in uses.sorted(by: { $0.key < $1.key }).suffix(SecretLimits.versions) {
      writer.add(UInt64(version))
      writer.add(UInt64(list.count))
      for use in list {
        writer.add(use.principal)
        writer.add(UInt64(bitPattern: use.at.milliseconds))
      }
    }
    return writer.bytes
  }

  private static func decode(_ body: [UInt8]) -> [Int: [Use]] {
    var uses: [Int: [Use]] = [:]
    guard var reader = try? RecordReader(body, label: label) else { return [:] }
    while !reader.isAtEnd {
      guard let version = try? reader.readNumber(), let count = try? reader.readNumber(),
        count <= UInt64(mostPrincipals), let number = Int(exactly: version)
      else { return uses }
      var list: [Use] = []
      for _ in 0..<count {
        guard let principal = try? reader.readText(), let at = try? reader.readNumber() else {
          return uses
        }
        let time = Timestamp(milliseconds: Int64(bitPattern: at))
        list.append(Use(principal: principal, at: time))
      }
      uses[number] = list
    }
    return uses
  }
}
