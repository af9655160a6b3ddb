import Dispatch
import Glibc
import KeywardHTTPClient
import Synchronization
import Testing

@testable import KeywardCloud

/// Connections to providers are few and are shared by those alone who trust the same.
@Suite("Connections to providers")
struct CloudConnectionsTests {
  private static func place(
    _ host: String,
    _ authorities: String? = nil
  ) -> CloudConnections.Place {
    CloudConnections.Place(authority: host, files: TLSFiles(authorityText: authorities))
  }

  private static func client(
    _ connections: CloudConnections,
    _ place: CloudConnections.Place
  ) throws -> ObjectIdentifier {
    try connections.exchange(with: place) { ObjectIdentifier($0) }
  }

  @Test("A place gets its own connection back, and another trust, host or port another one")
  func sharing() throws {
    let connections = CloudConnections(most: 16, toOnePlace: 16, idleSeconds: 30)
    let places = [
      Self.place("a.test"), Self.place("a.test:444"), Self.place("b.test"),
      Self.place("a.test", "one"), Self.place("a.test", "one\n"),
      CloudConnections.Place(authority: "a.test", files: TLSFiles(authorities: "one")),
    ]
    let first = try places.map { try Self.client(connections, $0) }
    #expect(Set(first).count == places.count)
    #expect(try places.map { try Self.client(connections, $0) } == first)
    #expect(connections.idleCount == places.count)
  }

  @Test("Of many places the longest unused lose theirs, and no more are open than are allowed")
  func bound() throws {
    let connections = CloudConnections(most: 3, toOnePlace: 3, idleSeconds: 30)
    for number in 0..<10 {
      _ = try Self.client(connections, Self.place("\(number).test"))
      #expect(connections.idleCount == min(number + 1, 3))
    }
    try connections.exchange(with: Self.place("new.test")) { _ in
      #expect(connections.idleCount == 2)
    }
    let kept = try Self.client(connections, Self.place("9.test"))
    #expect(try Self.client(connections, Self.place("9.test")) == kept)
    #expect(connections.idleCount == 3)
  }

  @Test("No more exchanges run at once than connections are allowed, and all come to their turn")
  func turns() async {
    let connections = CloudConnections(most: 3, toOnePlace: 3, idleSeconds: 30)
    let running = Mutex((now: 0, most: 0, done: 0))
    await withCheckedContinuation { done in
      let group = DispatchGroup()
      for number in 0..<24 {
        DispatchQueue(label: "exchange.\(number)").async(group: group) {
          try? connections.exchange(with: Self.place("\(number % 5).test")) { _ in
            running.withLock { running in
              running.now += 1
              running.most = max(running.most, running.now)
            }
            usleep(5000)
            running.withLock { running in
              running.now -= 1
              running.done += 1
            }
          }
        }
      }
      group.notify(queue: .global()) { done.resume() }
    }
    #expect(running.withLock { $0.most } <= 3)
    #expect(running.withLock { $0.done } == 24)
    #expect(connections.idleCount <= 3)
  }

  @Test("A place that hangs leaves connections to the others, and who waits too long is refused")
  func share() async throws {
    let connections = CloudConnections(most: 3, toOnePlace: 2, waitSeconds: 1, idleSeconds: 30)
    let (began, end) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let group = DispatchGroup()
    for number in 0..<2 {
      DispatchQueue(label: "hang.\(number)").async(group: group) {
        try? connections.exchange(with: Self.place("hangs.test")) { _ in
          began.signal()
          end.wait()
        }
      }
    }
    for _ in 0..<2 {
      await withCheckedContinuation { done in
        DispatchQueue.global().async {
          began.wait()
          done.resume()
        }
      }
    }
    // The third place of the three is for others.
    _ = try Self.client(connections, Self.place("other.test"))
    let reached = Mutex(false)
    do throws(HTTPClientError) {
      try connections.exchange(with: Self.place("hangs.test")) { _ in
        reached.withLock { $0 = true }
      }
      Issue.record("a turn was given that is not there")
    } catch {
      guard case .unreachable = error else {
        Issue.record("\(error)")
        return
      }
    }
    #expect(reached.withLock { $0 } == false)
    for _ in 0..<2 { end.signal() }
    await withCheckedContinuation { done in
      group.notify(queue: .global()) { done.resume() }
    }
    // Whoever was refused took no turn with them.
    for _ in 0..<3 { _ = try Self.client(connections, Self.place("hangs.test")) }
  }

  @Test("A connection whose exchange failed is not used again, and its turn is given back")
  func failures() throws {
    let connections = CloudConnections(most: 1, toOnePlace: 1, idleSeconds: 30)
    for _ in 0..<3 {
      #expect(throws: HTTPClientError.timedOut) {
        try connections.exchange(with: Self.place("a.test")) { _ throws(HTTPClientError) in
          throw HTTPClientError.timedOut
        }
      }
      #expect(connections.idleCount == 0)
    }
    _ = try Self.client(connections, Self.place("a.test"))
    #expect(connections.idleCount == 1)
  }

  @Test("Idle connections are closed after their time")
  func sweep() async throws {
    let connections = CloudConnections(most: 4, toOnePlace: 4, idleSeconds: 1)
    for host in ["a.test", "b.test"] { _ = try Self.client(connections, Self.place(host)) }
    #expect(connections.idleCount == 2)
    for _ in 0..<200 where connections.idleCount > 0 {
      try await Task.sleep(for: .milliseconds(50))
    }
    #expect(connections.idleCount == 0)
  }
}
