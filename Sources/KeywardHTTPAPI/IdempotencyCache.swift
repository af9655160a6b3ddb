import KeywardModel
import NIOCore
import Synchronization

/// The answers of creations that named an idempotency key, for 24 hours and in bounded memory.
///
/// The first request with a key is carried out to its end, whatever becomes of its connection, and
/// requests that repeat it wait for its answer. Failures are not kept: what failed was not made, so
/// a repetition tries again. A restart forgets all keys, and the oldest go first when there are too
/// many; then a repetition meets `already_exists` instead of the answer.
final class IdempotencyCache: Sendable {
  /// A key is the principal's own: another one's is another.
  struct Name: Hashable, Sendable {
    let principal: Principal
    let key: IdempotencyKey

    init(_ principal: Principal, _ key: IdempotencyKey) {
      // With its claims: two jobs of one repository may hold different rights. Without the process.
      self.principal = Principal(
        kind: principal.kind,
        issuer: principal.issuer,
        name: principal.name,
        cluster: principal.cluster,
        environment: principal.environment,
        claims: principal.claims,
        uid: principal.uid
      )
      self.key = key
    }
  }

  private struct Entry: Sendable {
    let digest: RequestDigest
    let number: UInt64
    let task: Task<Result<Answer, ServiceError>, Never>
    /// Nil while the request is carried out.
    var expiry: NIODeadline?
    var size = 0
  }

  private struct State {
    var entries: [Name: Entry] = [:]
    /// Names with the numbers of their entries, oldest first; some may be gone.
    var order: [(name: Name, number: UInt64)] = []
    var bytes = 0
    var next: UInt64 = 0
  }

  static let lifetime = TimeAmount.hours(24)
  static let capacity = 4096
  static let maximumBytes = 8 << 20

  private let state = Mutex(State())
  private let now: @Sendable () -> NIODeadline

  init(now: @escaping @Sendable () -> NIODeadline = { .now() }) {
    self.now = now
  }

  var count: Int { state.withLock { $0.entries.count } }

  /// The answer of the request of this name, carried out by `work` if it is the first.
  ///
  /// Throws `conflict` for a name under which something else was asked for.
  func answer(
    _ name: Name,
    _ digest: RequestDigest,
    _ work: @escaping @Sendable () async -> Result<Answer, ServiceError>
  ) async throws(ServiceError) -> (answer: Answer, isRepetition: Bool) {
    let (task, isRepetition) = try state.withLock { state throws(ServiceError) in
      if let entry = state.entries[name], entry.expiry.map({ now() < $0 }) ?? true {
        guard entry.digest == digest else {
          throw ServiceError(
            .conflict,
            "The Idempotency-Key was used for another request.",
            remedy: "Use a new key for each thing that is to be made."
          )
        }
        return (entry.task, true)
      }
      drop(name, &state)
      let number = state.next
      state.next += 1
      let task = Task {
        let result = await work()
        self.finish(name, number, result)
        return result
      }
      state.entries[name] = Entry(digest: digest, number: number, task: task)
      state.order.append((name, number))
      trim(&state)
      return (task, false)
    }
    return (try await task.value.get(), isRepetition)
  }

  private func finish(_ name: Name, _ number: UInt64, _ result: Result<Answer, ServiceError>) {
    state.withLock { state in
      guard var entry = state.entries[name], entry.number == number else { return }
      guard case .success(let answer) = result, case .bytes(let bytes) = answer.body else {
        state.entries[name] = nil
        return
      }
      entry.expiry = now() + Self.lifetime
      entry.size = bytes.count
      state.entries[name] = entry
      state.bytes += bytes.count
      trim(&state)
    }
  }

  /// Lets the oldest go until both bounds hold; those that are carried out now stay.
  private func trim(_ state: inout State) {
    guard
      state.entries.count > Self.capacity || state.bytes > Self.maximumBytes
        || state.order.count > 2 * Self.capacity
    else { return }
    var kept: [(name: Name, number: UInt64)] = []
    var rest = state.order[...]
    while let (name, number) = rest.popFirst() {
      guard let entry = state.entries[name], entry.number == number else { continue }
      let isOver =
        state.entries.count > Self.capacity || state.bytes > Self.maximumBytes
        || entry.expiry.map { $0 <= now() } ?? false
      if isOver, entry.expiry != nil {
        drop(name, &state)
      } else {
        kept.append((name, number))
      }
    }
    state.order = kept
  }

  private func drop(_ name: Name, _ state: inout State) {
    guard let entry = state.entries.removeValue(forKey: name) else { return }
    state.bytes -= entry.size
  }
}
