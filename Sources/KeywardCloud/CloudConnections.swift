import Dispatch
import KeywardHTTPClient
import Synchronization

/// The connections of all exports to all providers: few, since each that trusts the system's authorities
/// takes a megabyte of locked memory.
///
/// A connection has no credentials: each request brings its own. It serves those alone who trust the
/// same authorities.
final class CloudConnections: Sendable {
  struct Place: Hashable, Sendable {
    let authority: String
    let files: TLSFiles
  }

  /// Unchecked: it is handed over whole, and one thread at a time has it.
  private struct Idle: @unchecked Sendable {
    let place: Place
    let client: HTTPClient
    let since: DispatchTime
  }

  /// Where those wait who want to speak to one place.
  private struct Gate {
    let turns: DispatchSemaphore
    /// Those who wait and those who have their turn; without any it is gone.
    var users = 0
  }

  private struct State: Sendable {
    var used = 0
    var gates: [Place: Gate] = [:]
    /// The one that was used last is the last.
    var idle: [Idle] = []
    var isSweepDue = false
  }

  /// Those of this process.
  static let shared = CloudConnections(most: 16, toOnePlace: 12, idleSeconds: 30)

  private let most: Int
  private let toOnePlace: Int
  private let waitSeconds: Int
  private let idleSeconds: Int
  private let free: DispatchSemaphore
  private let state = Mutex(State())

  /// At most `most` connections in use and idle together, of which `toOnePlace` are in use for one place.
  ///
  /// So a place that hangs does not hold up the others. Who has waited `waitSeconds` for a turn is
  /// refused; an idle connection is closed after `idleSeconds`, and before twice as many.
  init(most: Int, toOnePlace: Int, waitSeconds: Int = 30, idleSeconds: Int) {
    self.most = most
    self.toOnePlace = toOnePlace
    self.waitSeconds = waitSeconds
    self.idleSeconds = idleSeconds
    free = DispatchSemaphore(value: most)
  }

  /// How many are open and wait for use.
  var idleCount: Int { state.withLock { $0.idle.count } }

  /// Runs an exchange on a connection to the place, once there is one; it blocks the calling thread.
  ///
  /// After an exchange that fails the connection is closed.
  func exchange<Answer>(
    with place: Place,
    _ body: (HTTPClient) throws(HTTPClientError) -> Answer
  ) throws(HTTPClientError) -> Answer {
    let deadline = DispatchTime.now() + .seconds(waitSeconds)
    let turns = enter(place)
    defer { leave(place) }
    guard turns.wait(timeout: deadline) == .success else { throw Self.busy }
    defer { turns.signal() }
    guard free.wait(timeout: deadline) == .success else { throw Self.busy }
    defer { free.signal() }
    let client: HTTPClient
    let answer: Answer
    do throws(HTTPClientError) {
      client = try take(place)
      answer = try body(client)
    } catch {
      state.withLock { $0.used -= 1 }
      throw error
    }
    give(client, place)
    return answer
  }

  private static let busy = HTTPClientError.unreachable(
    reason: "all connections to providers are in use, and none was free in time"
  )

  private func enter(_ place: Place) -> DispatchSemaphore {
    state.withLock { state in
      var gate = state.gates[place] ?? Gate(turns: DispatchSemaphore(value: toOnePlace))
      gate.users += 1
      state.gates[place] = gate
      return gate.turns
    }
  }

  private func leave(_ place: Place) {
    state.withLock { state in
      state.gates[place]?.users -= 1
      if state.gates[place]?.users == 0 { state.gates[place] = nil }
    }
  }

  private func take(_ place: Place) throws(HTTPClientError) -> HTTPClient {
    let (kept, closed): (Idle?, [Idle]) = state.withLock { state in
      state.used += 1
      if let index = state.idle.lastIndex(where: { $0.place == place }) {
        return (state.idle.remove(at: index), [])
      }
      let surplus = max(state.used + state.idle.count - most, 0)
      defer { state.idle.removeFirst(surplus) }
      return (nil, Array(state.idle.prefix(surplus)))
    }
    // Closed here, outside of the lock.
    _ = consume closed
    if let kept { return kept.client }
    return try HTTPClient(.https(authority: place.authority, place.files))
  }

  private func give(_ client: HTTPClient, _ place: Place) {
    let idle = Idle(place: place, client: client, since: .now())
    let mustSweep = state.withLock { state in
      state.used -= 1
      state.idle.append(idle)
      defer { state.isSweepDue = true }
      return !state.isSweepDue
    }
    if mustSweep { sweepLater() }
  }

  private func sweepLater() {
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(idleSeconds)) { self.sweep() }
  }

  private func sweep() {
    let limit = DispatchTime.now().uptimeNanoseconds - UInt64(idleSeconds) * 1_000_000_000
    let (closed, mustSweep): ([Idle], Bool) = state.withLock { state in
      let old = state.idle.prefix { $0.since.uptimeNanoseconds <= limit }
      state.idle.removeFirst(old.count)
      state.isSweepDue = !state.idle.isEmpty
      return (Array(old), state.isSweepDue)
    }
    _ = consume closed
    if mustSweep { sweepLater() }
  }
}
