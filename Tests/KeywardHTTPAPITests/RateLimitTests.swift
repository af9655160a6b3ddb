import Glibc
import KeywardHTTPAPI
import KeywardHTTPClient
import KeywardModel
import Synchronization
import Testing

@Suite("TokenBuckets")
struct TokenBucketsTests {
  private static let second: Int64 = 1_000_000_000

  @Test("A burst goes through, then one for each interval, and the wait is told exactly")
  func rate() {
    var buckets = TokenBuckets<String>(rate: 10, burst: 2, capacity: 100)
    for _ in 0..<20 { #expect(buckets.take(1, for: "a", at: 0) == nil) }
    #expect(buckets.take(1, for: "a", at: 0) == Self.second / 10)
    #expect(buckets.take(1, for: "b", at: 0) == nil)
    #expect(buckets.take(1, for: "a", at: Self.second / 10 - 1) == 1)
    #expect(buckets.take(1, for: "a", at: Self.second / 10) == nil)
    #expect(buckets.take(5, for: "a", at: Self.second / 10) == Self.second / 2)
    // A refusal costs nothing: after the wait it goes through.
    #expect(buckets.take(5, for: "a", at: Self.second * 6 / 10) == nil)
  }

  @Test("Over a long time no more than the rate goes through, however it is asked for")
  func longRun() {
    var generator = SystemRandomNumberGenerator()
    var buckets = TokenBuckets<Int>(rate: 100, burst: 2, capacity: 10)
    var now: Int64 = 0
    var taken = 0
    while now < 100 * Self.second {
      now += Int64.random(in: 0...10_000_000, using: &generator)
      if buckets.take(1, for: 1, at: now) == nil { taken += 1 }
    }
    #expect((9_900...10_201).contains(taken))
  }

  @Test("A cost above the burst is paid by waiting, not refused for ever")
  func largeCost() {
    var buckets = TokenBuckets<Int>(rate: 1, burst: 2, capacity: 10)
    #expect(buckets.take(20, for: 1, at: 0) == nil)
    #expect(buckets.take(20, for: 1, at: 0) != nil)
    #expect(buckets.take(20, for: 1, at: 20 * Self.second) == nil)
  }

  @Test("Memory is bounded, idle keys make room, and a flood of keys does not slow a known one")
  func capacity() {
    var buckets = TokenBuckets<Int>(rate: 10, burst: 1, capacity: 1000)
    #expect(buckets.take(1, for: -1, at: 0) == nil)
    var through = 0
    for key in 0..<100_000 where buckets.take(1, for: key, at: 1) == nil { through += 1 }
    #expect(buckets.count == 1000)
    // All that came too late share one bucket.
    #expect(through == 999 + 10)
    #expect(buckets.take(1, for: -1, at: 1) == nil)
    // Two seconds later every bucket is full again, and so dropped.
    #expect(buckets.take(1, for: 5_000_000, at: 2 * Self.second) == nil)
    #expect(buckets.count == 1)
  }
}

extension HTTPAPITests {
  @Suite("HTTPServer: rates")
  struct RateTests {
    @Test("An address over its rate gets 429 with Retry-After, health checks do not")
    func address() async throws {
      var limits = HTTPLimits()
      limits.requestsPerAddress = 3
      try await HTTPSTestServer.run(limits: limits) { server in
        let token = [(name: "Authorization", value: "Bearer kwt_good")]
        var statuses: [Int] = []
        for _ in 0..<8 {
          statuses.append(try server.send(.get, "/api/v1/keys/a", headers: token).status)
        }
        #expect(statuses.prefix(6).allSatisfy { $0 == 200 })
        #expect(statuses.last == 429)
        let answer = try server.send(.get, "/api/v1/keys/a")
        #expect(answer.status == 429)
        #expect(answer.headers["retry-after"] == "1")
        #expect(String(decoding: answer.bytes, as: UTF8.self).contains("too_many_requests"))
        for path in ["/livez", "/readyz", "/api/v1/version"] {
          #expect(try server.send(.get, path).status == 200)
        }
        let body = HTTPClientRequest.Body.bytes([1, 2, 3], contentType: "application/octet-stream")
        #expect(try server.send(.post, "/api/v1/keys/a:encrypt", body: body).status == 429)
        // An unsealing counts for many.
        usleep(1_100_000)
        #expect(try server.send(.get, "/api/v1/keys/a", headers: token).status == 200)
        #expect(try server.send(.post, "/api/v1/operator/unseal").status == 429)
        #expect(server.service.state.withLock { $0.bodies.isEmpty })
      }
    }

    @Test("A principal over its rate is slowed down, from wherever it asks, and others are not")
    func principal() async throws {
      var limits = HTTPLimits()
      limits.requestsPerPrincipal = 3
      try await HTTPSTestServer.run(limits: limits) { server in
        func ask(_ token: String) throws -> Int {
          let header = (name: "Authorization", value: "Bearer " + token)
          return try server.send(.get, "/api/v1/keys/a", headers: [header]).status
        }
        var statuses: [Int] = []
        for _ in 0..<12 { statuses.append(try ask("kwt_of-one")) }
        #expect(statuses.first == 200)
        #expect(statuses.last == 429)
        #expect(try ask("kwt_of-two") == 200)
        #expect(try server.send(.get, "/api/v1/keys/a").status == 401)
      }
    }
  }
}
