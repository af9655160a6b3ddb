import Foundation
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
  /// An operation of the queue, and what it does.
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
    /// Changes nothing: its entry alone is written.
    case none
  }

  /// What came of a queue.
  private struct Outcome {
    let errors: [ServiceError?]
    let commits: Int
    let events: [AuditEvent]
    /// What happened, in order: "run", "shown" or "reply", and the key.
    let steps: [String]

    var codes: [ErrorCode?] { errors.map { $0?.code } }
    var keys: [String] { events.map { String($0.resource.dropFirst("keys/".count)) } }
    /// The keys of the changes in the order in which they were run, however often.
    var runs: [String] { keys(of: "run") }
    /// The keys of the changes in the order in which they were shown.
    var shown: [String] { keys(of: "shown") }

    private func keys(of step: String) -> [String] {
      steps.filter { $0.hasPrefix(step) }.map { String($0.dropFirst(step.count + 1)) }
    }
  }

  private let cloud: FakeCloud
  private let server: TestServer

  init() async throws {
    cloud = try FakeCloud()
    server = try await TestServer.unsealed(isFaulty: true, exporter: cloud)
  }

  /// Holds the writing thread with an entry while `body` queues what comes behind it, then lets it go on
  /// with the next commits failing until `wait` ends; returns the commits and entries behind the first.
  private func held(
    failing failures: Int = 0,
    _ body: () async throws -> Void,
    until wait: () async throws -> Void
  ) async throws -> (commits: Int, events: [AuditEvent]) {
    let service = try server.service
    let faults = try server.faults
    let (isHeld, gate) = (Gate(), Gate())
    let size = try server.logSize()
    faults.holdNextCommit {
      isHeld.open()
      gate.wait()
    }
    let ignore: @Sendable (Result<Void, ServiceError>) -> Void = { _ in }
    service.answer(.officer, .keyShow, .key("first/one"), reply: ignore) { _, _, _ in }
    isHeld.wait()
    let commits = faults.commits
    try await body()
    faults.failCommits(failures, after: 1)
    gate.open()
    try await wait()
    faults.failCommits(0)
    return (faults.commits - commits - 1, Array(try server.events(from: size).dropFirst()))
  }

  /// Waits a minute at most.
  private static func wait(until isSo: () -> Bool) async throws {
    for _ in 0..<60_000 where !isSo() { try await Task.sleep(for: .milliseconds(1)) }
    #expect(isSo())
  }

  /// Queues all while the writing thread is held, then lets it go on with the next commits failing.
  private func run(
    _ queue: [Asked],
    failing failures: Int = 0,
    after first: () async throws -> Void = {}
  ) async throws -> Outcome {
    let service = try server.service
    let steps = Mutex<[String]>([])
    let errors = Mutex<[Int: ServiceError?]>([:])
    let (commits, events) = try await held(failing: failures) {
      try await first()
      for (index, asked) in queue.enumerated() {
        let reply: @Sendable (Result<Void, ServiceError>) -> Void = { result in
          let error: ServiceError? = if case .failure(let error) = result { error } else { nil }
          steps.withLock { $0.append("reply \(asked.key)") }
          errors.withLock { $0[index] = .some(error) }
        }
        let resource = Resource.key(try KeyName(asked.key))
        if asked.effect == .none {
          service.answer(asked.caller, .keyShow, resource, reply: reply) { _, _, _ in }
          continue
        }
        service.change(
          asked.caller,
          .keyUpdate,
          resource,
          isOfItsResourceAlone: asked.isOfItsResourceAlone,
          reply: reply,
          act: { _, _, transaction, _ throws(ServiceError) in
            steps.withLock { $0.append("run \(asked.key)") }
            do {
              try transaction.insertRecord(Self.record(asked.key, index))
              if asked.effect == .conflict {
                try transaction.deleteRecord(Self.record("absent", index))
              }
            } catch {
              throw ServiceError(store: error)
            }
            if asked.effect == .refuse { throw ServiceError(.conflict, "No.") }
            return Change(()) { steps.withLock { $0.append("shown \(asked.key)") } }
          }
        )
      }
    } until: {
      try await Self.wait(until: { errors.withLock { $0.count } == queue.count })
    }
    let missing = ServiceError(.internalError, "There was no reply.")
    return Outcome(
      errors: errors.withLock { errors in queue.indices.map { errors[$0] ?? missing } },
      commits: commits,
      events: events,
      steps: steps.withLock { $0 }
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
    #expect(
      outcome.steps == [
        "run a/k", "run a/l", "shown a/k", "shown a/l", "reply a/k", "reply a/l", "run a/k",
        "run a/m", "shown a/k", "shown a/m", "reply a/k", "reply a/m",
      ]
    )
  }

  /// An entry goes with the changes behind it and not with those before it: the log has their order.
  @Test(arguments: [0, 1])
  func entriesKeepTheirPlace(_ failures: Int) async throws {
    let outcome = try await run(
      [
        Asked(key: "a/e", effect: .none), Asked(key: "a/k"), Asked(key: "a/l"),
        Asked(key: "a/f", effect: .none), Asked(key: "a/m"),
      ],
      failing: failures
    )
    #expect(outcome.codes == [nil, nil, nil, nil, nil])
    #expect(outcome.keys == ["a/e", "a/k", "a/l", "a/f", "a/m"])
    // After a failure the entries go first, then each change: e, k and l, and f with m.
    #expect(outcome.commits == (failures == 0 ? 2 : 4))
  }

  /// What a seal overtakes in the queue has no answer, and is not run.
  @Test
  func aSealTakesAllThatIsBehindIt() async throws {
    let service = try server.service
    let sealed = Mutex<Task<SealStatus, any Error>?>(nil)
    let outcome = try await run(Self.names(3)) {
      sealed.withLock { $0 = Task { try await service.seal(.officer) } }
      try await Self.wait(until: { service.operationsInQueue == 1 })
    }
    #expect(outcome.codes == [.sealed, .sealed, .sealed] && outcome.steps.count == 3)
    #expect(try await sealed.withLock({ $0 })?.value.sealed == true)
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
    // The shared commit and the first by itself fail: its approval is given back.
    #expect(try await run(queue, failing: 2).codes == [.storageFull, nil])
    queue[1] = Asked(key: "a/k")
    let outcome = try await run(queue, failing: 1)
    #expect(outcome.codes == [nil, nil] && outcome.runs == ["g/k", "a/k", "g/k", "a/k"])
    #expect(try await run(queue).codes[0] == .approvalRequired)
  }

  /// The steps of exports, of which the keys differ, are such changes.
  @Test
  func exportsOfDifferentKeysGoTogether() async throws {
    let service = try server.service
    var document = DestinationDocument(provider: "aws")
    document.region = "eu-west-1"
    _ = try await service.writeDestination(.officer, "aws", document)
    cloud.change { $0.reasonNotProvable = "it opens nowhere else" }
    var keys: [String] = []
    for number in 0..<6 {
      keys.append("app/k\(number)")
      try await server.create("app/k\(number)", operations: ["encrypt", "cloud-export"])
    }
    let prepare: @Sendable (String) async throws -> ExportInfo = { key in
      try await service.prepareExport(
        .officer,
        PrepareExportRequest(key: key, destination: "aws", mode: "push")
      )
    }
    let complete: @Sendable (ExportInfo) async throws -> ExportInfo = { export in
      let id = try #require(ExportID(export.id))
      return try await service.completeExport(.officer, id, CompleteExportRequest(export)).export
    }
    // The first makes the key that all blobs are tried with, which takes long.
    _ = try await complete(try await prepare(keys.removeLast()))
    let prepared = try await together(keys, prepare)
    #expect(prepared.commits == 1 && prepared.events.count == 5)
    #expect(prepared.events.allSatisfy { $0.operation == "export:prepare" })
    let done = try await together(prepared.answers, complete)
    // What cannot be proved is known with the delivery: one record, one entry.
    #expect(done.answers.allSatisfy { $0.state == "delivered" && $0.proof == "not provable" })
    #expect(done.events.filter { $0.operation == "key:cloud-export" }.count == 5)
    #expect(done.events.filter { $0.operation == "export:record" }.count == 5)
    // The sends are one commit; the notes come when they come.
    #expect(done.events.count == 10 && done.commits <= 6)
  }

  /// Whoever adds one has to show that it reads and writes nothing that a change of another resource writes.
  @Test
  func theChangesThatShareAreTheseThree() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/KeywardService").standardizedFileURL
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path())
      .filter { $0.hasSuffix(".swift") }
    let sharing = try files.filter { name in
      try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        .contains("isOfItsResourceAlone: true")
    }
    #expect(
      sharing.sorted() == [
        "KeywardService+ExportCompletion.swift", "KeywardService+ExportExchange.swift",
        "KeywardService+ExportPreparation.swift",
      ]
    )
  }

  /// Begins all while the writing thread is held.
  private func together<Input: Sendable, Answer: Sendable>(
    _ inputs: [Input],
    _ body: @escaping @Sendable (Input) async throws -> Answer
  ) async throws -> (answers: [Answer], commits: Int, events: [AuditEvent]) {
    var tasks: [Task<Answer, any Error>] = []
    var answers: [Answer] = []
    let service = try server.service
    let (commits, events) = try await held {
      tasks = inputs.map { input in Task { try await body(input) } }
      try await Self.wait(until: { service.operationsInQueue == inputs.count })
    } until: {
      for task in tasks { answers.append(try await task.value) }
    }
    return (answers, commits, events)
  }
}
