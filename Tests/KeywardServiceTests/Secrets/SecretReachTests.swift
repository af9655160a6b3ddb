import KeywardModel
import KeywardPolicy
import KeywardTesting
import Synchronization
import Testing

@testable import KeywardService

/// Policy is asked about a value that is inherited, and a moment later it is looked for: what happens
/// in between gives nobody what policy was not asked about.
@Suite
struct SecretReachTests {
  private static let ana = Caller.named("ana")
  private static let name: SecretName = "p/db"
  private static let all = SecretVersionsRequest(environment: "scratch", all: true)

  /// `scratch` inherits from `prod`, that from `base`, and each has the secret.
  ///
  /// Ana may read in `scratch`, and `prod` is forbidden to her.
  private static func server() async throws -> TestServer {
    let server = try await TestServer.inheriting()
    for environment in ["base", "prod", "scratch"] {
      try await server.put(name, in: environment, ["x": "of \(environment)"])
    }
    try await server.apply(
      PolicyText.grant(
        "readers",
        to: ["ana"],
        .allow(["secret:*"], ["secrets/scratch/**"]),
        .forbid(["secret:*"], ["secrets/prod/**"])
      )
    )
    return server
  }

  /// Each step between the question and the look, one by one.
  @Test
  func whatPolicyWasNotAskedAboutIsNotFound() async throws {
    let server = try await Self.server()
    let book = try server.service.unsealed().secrets
    func asked() -> ResourcePath? {
      book.source(of: .secret("scratch", Self.name), for: .secretRead)
    }
    func found(_ source: ResourcePath?) throws -> String? {
      let chain = book.tree.chain("scratch")
      return try book.find(Self.name, in: chain, reaching: source)
        .map { "\($0.entry.secret.environment)" }
    }
    func destroy(in environment: String) async throws {
      let request = SecretVersionsRequest(environment: environment, all: true)
      _ = try await server.service.destroySecret(.officer, Self.name, request)
    }

    let own = asked()
    #expect(try own == nil && found(own) == "scratch")
    try await destroy(in: "scratch")
    await refused(.conflict) { try found(own) }

    let prod = asked()
    #expect(try prod?.description == "secrets/prod/p/db" && found(prod) == "prod")
    try await destroy(in: "prod")
    await refused(.conflict) { try found(prod) }

    let base = asked()
    #expect(try base?.description == "secrets/base/p/db" && found(base) == "base")
    // What is in the environment itself was asked about in any case.
    try await server.put(Self.name, in: "scratch", ["x": "again"])
    #expect(try found(base) == "scratch")
    try await destroy(in: "scratch")

    // The environment inherits from another now.
    try await server.declare("other", production: true)
    try await server.put(Self.name, in: "other", ["x": "of other"])
    try await server.declare("scratch", inherits: "other", production: true)
    await refused(.conflict) { try found(base) }
    #expect(try found(asked()) == "other")
    // Nothing at all is no conflict.
    try await destroy(in: "other")
    #expect(try found(base) == nil && asked() == nil)
  }

  /// What readers saw, and when they are to stop.
  private final class Observer: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    private let isDone = Atomic<Bool>(false)

    var seen: [String: Int] { counts.withLock { $0 } }
    var isOver: Bool { isDone.load(ordering: .acquiring) }

    func note(_ outcome: String) { counts.withLock { $0[outcome, default: 0] += 1 } }
    func stop() { isDone.store(true, ordering: .releasing) }
  }

  /// The same by use cases at once: a value is covered and uncovered while it is read in every way.
  @Test
  func aForbiddenValueNeverShows() async throws {
    let server = try await Self.server()
    let observer = Observer()
    let reference = try SecretReference("kw://p/db#x")
    let reads: [@Sendable () async throws -> String] = [
      { try await server.value("kw://p/db#x", in: "scratch", as: Self.ana) ?? "none" },
      {
        try await server.service.readSecret(Self.ana, reference, environment: "scratch")
          .values.first?.text ?? "none"
      },
      {
        let plan = try await server.fetch(
          ["kw://p/db#x"],
          in: "scratch",
          plan: true,
          as: Self.ana
        )
        return plan.head.results.first?.environment ?? "none"
      },
      {
        try await server.service.showSecret(Self.ana, Self.name, environment: "scratch").environment
      },
    ]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for read in reads {
        group.addTask {
          while !observer.isOver {
            do {
              observer.note(try await read())
            } catch let error as ServiceError {
              observer.note(error.code.rawValue)
            }
          }
        }
      }
      for _ in 0..<100 {
        _ = try await server.service.destroySecret(.officer, Self.name, Self.all)
        try await server.put(Self.name, in: "scratch", ["x": "of scratch"])
      }
      observer.stop()
      try await group.waitForAll()
    }
    let seen = observer.seen
    let possible: Set = ["of scratch", "scratch", "none", "forbidden", "conflict"]
    #expect(Set(seen.keys).subtracting(possible).isEmpty, "\(seen)")
    for outcome in ["of scratch", "scratch", "none", "forbidden"] {
      #expect(seen[outcome, default: 0] > 0, "\(seen)")
    }
  }
}
