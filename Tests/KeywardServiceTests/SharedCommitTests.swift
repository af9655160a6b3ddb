import KeywardAudit
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Synchronization
import Testing

/// Changes that are about their own resource alone share a commit; nothing else of them changes.
@Suite
struct SharedCommitTests {
  /// A change of the queue, and what it does.
  private struct Asked {
    let key: String
    var isOfItsResourceAlone = true
    var effect = Effect.insert
    var caller = Caller.officer
  }

  private enum Effect {
    case insert
    /// Refuses itself, after it has written something.
    case refuse
    /// Changes a record that is not as it says.
    case conflict
  }

  /// What came of a queue.
  private struct Outcome {
    let errors: [ServiceError?]
    let commits: Int
    let events: [AuditEvent]
    /// The keys of the changes in the order in which they were run, however often.
    let runs: [String]
    /// The keys of the changes in the order in which they were shown.
    let shown: [String]

    var codes: [ErrorCode?] { errors.map { $0?.code } }
    var keys: [String] { events.map { String($0.resource.dropFirst("keys/".count)) } }
  }

  private let server: TestServer

  init() async throws {
    server = try await TestServer.unsealed(isFaulty: true)
  }

  /// Queues all while the writing thread is held, then lets it go on with the next commits failing.
  private func run(_ queue: [Asked], failing failures: Int = 0) async throws -> Outcome {
    let service = try server.service
    let faults = try server.faults
    let (isHeld, gate) = (Gate(), Gate())
    service.committer.exclusively {
      isHeld.open()
      gate.wait()
    }
    isHeld.wait()
    let runs = Mutex<[String]>([])
    let shown = Mutex<[String]>([])
    let errors = Mutex<[Int: ServiceError?]>([:])
    for (index, asked) in queue.enumerated() {
      service.change(
        asked.caller,
        .keyUpdate,
        .key(try KeyName(asked.key)),
        isOfItsResourceAlone: asked.isOfItsResourceAlone,
        reply: { (result: Result<Void, ServiceError>) in
          let error: ServiceError? = if case .failure(let error) = result { error } else { nil }
          errors.withLock { $0[index] = .some(error) }
        },
        act: { _, _, transaction, _ throws(ServiceError) in
          runs.withLock { $0.append(asked.key) }
          do {
            try transaction.insertRecord(Self.record(asked.key, index))
            if asked.effect == .conflict {
              try transaction.deleteRecord(Self.record("absent", index))
            }
          } catch {
            throw ServiceError(store: error)
          }
          if asked.effect == .refuse { throw ServiceError(.conflict, "No.") }
          return Change(()) { shown.withLock { $0.append(asked.key) } }
        }
      )
    }
    let (commits, size) = (faults.commits, try server.logSize())
    faults.failCommits(failures)
    gate.open()
    for _ in 0..<5000 where errors.withLock({ $0.count }) < queue.count {
      try await Task.sleep(for: .milliseconds(1))
    }
    faults.failCommits(0)
    let missing = ServiceError(.internalError, "There was no reply.")
    return Outcome(
      errors: errors.withLock { errors in queue.indices.map { errors[$0] ?? missing } },
      commits: faults.commits - commits,
      events: try server.events(from: size),
      runs: runs.withLock { $0 },
      shown: shown.withLock { $0 }
    )
  }

  private static func record(_ key: String, _ index: Int) -> StoredRecord {
    StoredRecord(kind: .approval, id: "\(key) \(index)", body: [1])
  }

  private static func names(_ count: Int) -> [Asked] {
    (0..<count).map { Asked(key: "a/k\($0)") }
  }

  @Test
  func changesOfDifferentResourcesShareACommit() async throws {
    let queue = Self.names(20)
    let outcome = try await run(queue)
    #expect(outcome.codes == Array(repeating: nil, count: 20))
    #expect(outcome.commits == 1)
    #expect(outcome.runs == queue.map(\.key) && outcome.shown == queue.map(\.key))
    #expect(outcome.keys == queue.map(\.key))
    #expect(outcome.events.allSatisfy { $0.outcome == .allowed })
  }

  /// No more than 64, so that the first of many does not wait for the last.
  @Test
  func aCommitHasABound() async throws {
    #expect(try await run(Self.names(65)).commits == 2)
  }

  /// The second change of a resource sees the first, which was shown before it runs.
  @Test
  func changesOfOneResourceFollowEachOther() async throws {
    let outcome = try await run([
      Asked(key: "a/k"), Asked(key: "a/l"), Asked(key: "a/k"), Asked(key: "a/m"),
    ])
    #expect(outcome.commits == 2 && outcome.codes == [nil, nil, nil, nil])
    #expect(outcome.keys == ["a/k", "a/l", "a/k", "a/m"])
  }

  /// What does not say that it is about its resource alone sees all that came before, and is seen by
  /// all that comes after.
  @Test
  func otherChangesHaveACommitEach() async throws {
    let outcome = try await run([
      Asked(key: "a/k"), Asked(key: "a/l", isOfItsResourceAlone: false), Asked(key: "a/m"),
      Asked(key: "a/n", isOfItsResourceAlone: false),
      Asked(key: "a/o", isOfItsResourceAlone: false),
    ])
    #expect(outcome.commits == 5 && outcome.codes == [nil, nil, nil, nil, nil])
    #expect(outcome.keys == ["a/k", "a/l", "a/m", "a/n", "a/o"])
  }

  /// One that is refused, by itself or by the row that it is about, leaves its entry and nothing else.
  @Test
  func aRefusalIsOfOneAlone() async throws {
    let outcome = try await run([
      Asked(key: "a/k"), Asked(key: "a/l", effect: .refuse), Asked(key: "a/m", effect: .conflict),
      Asked(key: "a/n"),
    ])
    #expect(outcome.commits == 1 && outcome.codes == [nil, .conflict, .conflict, nil])
    #expect(outcome.events.map(\.outcome) == [.allowed, .refused, .refused, .allowed])
    #expect(outcome.shown == ["a/k", "a/n"])
    // Their rows are not there, and those of the others are.
    let again = try await run(["a/k", "a/l", "a/m", "a/n"].map { Asked(key: $0) })
    #expect(again.codes == [.alreadyExists, nil, nil, .alreadyExists])
  }

  /// A commit that fails is tried again, each change by itself: none is lost, and none is there twice.
  @Test
  func afterAFailureEachIsTriedAlone() async throws {
    let queue = Self.names(3)
    let outcome = try await run(queue, failing: 1)
    #expect(outcome.codes == [nil, nil, nil] && outcome.commits == 3)
    #expect(outcome.runs == (queue + queue).map(\.key) && outcome.shown == queue.map(\.key))
    #expect(outcome.keys == queue.map(\.key))
    #expect(outcome.events.allSatisfy { $0.outcome == .allowed })
  }

  /// The shared commit and the first by itself fail: that one alone has not come about.
  @Test
  func whatFailsAloneFailsAlone() async throws {
    let outcome = try await run(Self.names(3), failing: 2)
    #expect(outcome.codes == [.storageFull, nil, nil])
    #expect(outcome.events.map(\.outcome) == [.failed, .allowed, .allowed])
    #expect(outcome.shown == ["a/k1", "a/k2"])
  }

  @Test
  func onAFullDiskNothingIsAnswered() async throws {
    let outcome = try await run(Self.names(3), failing: .max)
    #expect(outcome.codes == Array(repeating: .storageFull, count: 3))
    #expect(outcome.commits == 0 && outcome.events.isEmpty && outcome.shown.isEmpty)
  }

  /// An approval that the failed commit had taken is there for the second try, and gone after it.
  @Test
  func anApprovalIsUsedOnceByTheChangeThatIsRunTwice() async throws {
    try await server.apply(
      PolicyText.all(
        PolicyText.grant("changers", to: ["eve"], .allow(["key:*"], ["keys/**"])),
        PolicyText.approvers("ann"),
        PolicyText.approvalRule("one", ["key:update"], ["keys/g/**"], of: "ann")
      )
    )
    var queue: [Asked] = []
    for key in ["g/k", "g/l"] {
      let asking = Caller.named("eve").asking(key)
      let error = try await run([Asked(key: key, caller: asking)]).errors[0]
      let approval = try #require(error?.approval)
      _ = try await server.service.vote(.named("ann"), approval, isApproval: true)
      queue.append(Asked(key: key, caller: .named("eve").asking(key, approval)))
    }
    let outcome = try await run(queue, failing: 1)
    #expect(outcome.codes == [nil, nil] && outcome.runs == ["g/k", "g/l", "g/k", "g/l"])
    #expect(try await run(queue).codes == [.approvalRequired, .approvalRequired])
  }
}
