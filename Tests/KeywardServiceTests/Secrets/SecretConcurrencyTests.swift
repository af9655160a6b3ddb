import Foundation
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Synchronization
import Testing

/// Check-and-set under many writers: the history is linearizable, and no write is lost.
@Suite
struct SecretConcurrencyTests {
  /// One operation with the moments between which it happened, by one counter for all.
  private struct Call: Sendable {
    enum Kind: Sendable {
      /// A write that expected a version and made the next one, or was refused.
      case write(expected: Int, made: Int?, value: String)
      /// A read of the newest version; 0 for none yet.
      case read(version: Int, value: String)
    }

    let kind: Kind
    let start: Int
    let end: Int
  }

  private final class Recorder: Sendable {
    private let clock = Atomic<Int>(0)
    private let calls = Mutex<[Call]>([])

    func tick() -> Int { clock.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }

    func add(_ call: Call) { calls.withLock { $0.append(call) } }

    var all: [Call] { calls.withLock { $0 } }
  }

  @Test(arguments: [false, true])
  func checkAndSetIsLinearizable(isInherited: Bool) async throws {
    let server = try await TestServer.unsealed()
    try await server.declare("base")
    try await server.declare("dev", inherits: "base")
    let place = isInherited ? "base" : "dev"
    let recorder = Recorder()
    let writers = 64
    let rounds = ProcessInfo.processInfo.environment["KEYWARD_LONG"] == nil ? 4 : 200
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<writers {
        group.addTask {
          for round in 0..<rounds {
            let seen = try await Self.read(server, recorder)
            try await Self.write(server, place, seen, "w\(writer)-\(round)", recorder)
          }
        }
      }
      try await group.waitForAll()
    }
    let history = try await server.service.showSecret(
      .officer,
      "p/contended",
      environment: "dev"
    )
    let made = Self.check(recorder.all)
    #expect(history.latestVersion == made.count)
    #expect(made.count >= rounds)
    // What was acknowledged is there, over a restart too.
    try await server.restart()
    for version in history.versions {
      let reference = "kw://p/contended?version=\(version.version)#x"
      #expect(try await server.value(reference, in: "dev") == made[version.version])
    }
    #expect(try await server.service.fsck(.officer).ok)
  }

  /// Writes without an expectation are all taken, each as a version of its own.
  @Test
  func noWriteIsLost() async throws {
    let server = try await TestServer.unsealed()
    try await server.declare("dev")
    let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
      for writer in 0..<64 {
        group.addTask {
          try await server.put("p/blind", in: "dev", ["x": "\(writer)"]).secret.latestVersion
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(numbers.sorted() == Array(1...64))
    var values: Set<String> = []
    for number in 1...64 {
      let reference = "kw://p/blind?version=\(number)#x"
      values.insert(try #require(try await server.value(reference, in: "dev")))
    }
    #expect(values.count == 64)
  }

  private static func read(_ server: TestServer, _ recorder: Recorder) async throws -> Int {
    let start = recorder.tick()
    let fetched = try await server.fetch(["kw://p/contended#x"], in: "dev")
    let end = recorder.tick()
    let version = fetched.head.results.first?.version ?? 0
    let value = fetched.values.first?.text ?? ""
    recorder.add(Call(kind: .read(version: version, value: value), start: start, end: end))
    return version
  }

  private static func write(
    _ server: TestServer,
    _ environment: String,
    _ expected: Int,
    _ value: String,
    _ recorder: Recorder
  ) async throws {
    let start = recorder.tick()
    var made: Int?
    do {
      made = try await server.put(
        "p/contended",
        in: environment,
        ["x": value],
        expecting: expected
      ).secret.latestVersion
    } catch let error as ServiceError {
      guard error.code == .conflict else { throw error }
    }
    let end = recorder.tick()
    let kind = Call.Kind.write(expected: expected, made: made, value: value)
    recorder.add(Call(kind: kind, start: start, end: end))
  }

  /// Checks a history against one register with numbered versions; returns value by version.
  ///
  /// Since versions are numbered, the order of writes is known; what is to be shown is that this
  /// order fits real time, that each write took the place it expected, and that each read and each
  /// refusal has a moment within its own bounds at which it is true.
  private static func check(_ calls: [Call]) -> [Int: String] {
    var made: [Int: (value: String, start: Int, end: Int)] = [:]
    for call in calls {
      guard case .write(let expected, let number?, let value) = call.kind else { continue }
      #expect(number == expected + 1, "a write took a place that it did not expect")
      #expect(made[number] == nil, "two writes have one version")
      made[number] = (value, call.start, call.end)
    }
    #expect(made.keys.sorted() == Array(1...max(1, made.count)), "a version is missing")
    // In real time: a write that ended before another began comes before it.
    var latestStart = 0
    for number in made.keys.sorted() {
      guard let write = made[number] else { continue }
      #expect(write.end > latestStart, "version \(number) ended before an earlier one began")
      latestStart = max(latestStart, write.start)
    }
    for call in calls {
      switch call.kind {
      case .read(let version, let value):
        if version > 0 { #expect(made[version]?.value == value) }
        // The version it saw was begun before the read ended …
        if version > 0 { #expect((made[version]?.start ?? .max) < call.end) }
        // … and the next one was not done before the read began.
        if let next = made[version + 1] { #expect(next.end > call.start, "a stale read") }
      case .write(let expected, nil, _):
        // A refusal is true at a moment at which the register was not at the expected version: the
        // next version came before the end, since the expected one was there before the start.
        #expect((made[expected + 1]?.start ?? .max) < call.end, "a refusal without a reason")
      case .write: break
      }
    }
    return made.mapValues(\.value)
  }
}
