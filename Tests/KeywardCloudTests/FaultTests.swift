import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// What goes wrong on the way, at every step of every push.
@Suite("Faults of providers", .serialized)
struct FaultTests {
  /// What a client without retries says about each fault; and whether it may have been acted on.
  private static let kinds: [(kind: String, codes: Set<CloudFailure.Code>)] = [
    ("cut", [.interrupted]), ("cut-after", [.interrupted]), ("hang", [.timedOut]),
    ("429", [.throttled]), ("500", [.unavailable]), ("malformed", [.unintelligible]),
    ("redirect", [.redirected]), ("huge", [.answerTooLarge]), ("certificate", [.untrusted]),
    ("other-name", [.untrusted]),
  ]

  /// All of them; in the short form three a step, so that each comes up at some step of a push.
  private static func kinds(
    _ step: Int
  ) -> [(kind: String, codes: Set<CloudFailure.Code>)] {
    isLong ? kinds : (0..<3).map { kinds[(step * 3 + $0) % kinds.count] }
  }

  private struct Subject {
    let fake: Fake
    let type: KeyType
    let make: (CloudSession) throws -> any CloudDestination
    /// A plan for the export of that number, which uses names of its own.
    let plan: (Int) -> CloudPlan
  }

  private static func subjects() throws -> [Subject] {
    let aws = try Fake("aws")
    let azure = try Fake("azure")
    let google = try Fake("google")
    let bao = try Fake("openbao")
    return [
      Subject(
        fake: aws,
        type: .hmacSHA256,
        make: { _ in try AWSPushTests.destination(aws) },
        plan: { _ in CloudPlan(keySpec: "HMAC_256", wrapping: .oaepSHA256, wrappingKeyBits: 3072) }
      ),
      Subject(
        fake: azure,
        type: .ecP256,
        make: { _ in try AzurePushTests.destination(azure) },
        plan: { AzurePushTests.plan("EC-HSM/P-256", "fault-\($0)") }
      ),
      Subject(
        fake: google,
        type: .hmacSHA256,
        make: { _ in try GooglePushTests.destination(google) },
        plan: { GooglePushTests.plan("HMAC_SHA256", name: "fault-\($0)") }
      ),
      Subject(
        fake: bao,
        type: .hmacSHA256,
        make: { _ in try TransitPushTests.destination(bao) },
        plan: { TransitPushTests.plan("hmac", name: "fault-\($0)") }
      ),
    ]
  }

  @Test("Faults at each step of each push: a clear error, one import, and a second run completes")
  func everyStep() async throws {
    var runs = 0
    for subject in try Self.subjects() {
      let fake = subject.fake
      let key = try TestKey(subject.type)
      var number = 0
      func push(timeout: Int = 20_000) throws -> Push {
        let session = fake.session(timeout: timeout)
        return Push(destination: try subject.make(session), session: session)
      }
      try fake.arm(nil)
      let first = try await push().run(key, subject.plan(number))
      guard case .proved = first.proof else {
        Issue.record("\(fake.url): \(first.proof)")
        continue
      }
      let steps = try fake.steps()
      for (index, step) in steps.enumerated() {
        for (kind, codes) in Self.kinds(index) {
          number += 1
          runs += 1
          let what = "\(kind) at \(step) (\(index + 1) of \(steps.count))"
          try fake.ask("forget")
          try fake.arm(kind, at: index)
          let attempt = try push(timeout: kind == "hang" ? 300 : 20_000)
          do {
            let outcome = try await attempt.run(key, subject.plan(number))
            // A look at what has been imported may fail without a loss.
            #expect(outcome.receipt.state != .failed, "\(what)")
          } catch let failure as CloudFailure {
            #expect(codes.contains(failure.code), "\(what): \(failure.words)")
            #expect(!failure.words.isEmpty && !failure.words.contains("Optional("), "\(what)")
          }
          let seen = try fake.steps().filter { $0 == "import" || $0.hasPrefix("Import") }
          #expect(seen.count <= 1, "\(what) sent the blob \(seen.count) times")
          // The second run, with names of its own where the first may have left something.
          try fake.arm(nil)
          let again = try await push().run(key, subject.plan(number))
          #expect(again.proof == first.proof, "\(what), second run")
        }
      }
      _ = try fake.steps()
    }
    #expect(runs >= (isLong ? 200 : 60))
  }

  @Test("With retries, one passing fault costs nothing, except where a token is spent")
  func retries() async throws {
    for subject in try Self.subjects() {
      let fake = subject.fake
      let key = try TestKey(subject.type)
      try fake.arm(nil)
      let plain = fake.session()
      _ = try await Push(destination: try subject.make(plain), session: plain)
        .run(key, subject.plan(0))
      let steps = try fake.steps()
      var number = 0
      for (index, step) in steps.enumerated() {
        for kind in isLong ? ["429", "500", "cut"] : [["429", "500", "cut"][index % 3]] {
          number += 1
          try fake.ask("forget")
          try fake.arm(kind, at: index)
          let session = fake.session(retrying: true)
          let push = Push(destination: try subject.make(session), session: session)
          let isImport = step == "import" || step.hasPrefix("Import")
          let isMaking = step.hasPrefix("create") || step == "CreateKey"
          do {
            let outcome = try await push.run(key, subject.plan(number))
            #expect(!isImport && !(isMaking && kind != "429"), "\(kind) at \(step) was repeated")
            guard case .proved = outcome.proof else {
              Issue.record("\(kind) at \(step): \(outcome.proof)")
              continue
            }
          } catch {
            #expect(isImport || (isMaking && kind != "429"), "\(kind) at \(step): \(error)")
          }
          let seen = try fake.steps().filter { $0 == "import" || $0.hasPrefix("Import") }
          #expect(seen.count <= 1, "\(kind) at \(step) sent the blob \(seen.count) times")
        }
      }
    }
  }

  @Test("A port where nobody listens is unreachable, and an address that is not https is refused")
  func unreachable() async throws {
    let fake = try Fake("openbao")
    let plan = TransitPushTests.plan("hmac", name: "a")
    let session = fake.session()
    for (endpoint, code) in [
      ("https://127.0.0.1:1", CloudFailure.Code.unreachable), ("http://127.0.0.1:1", .interrupted),
      ("https://user@127.0.0.1:1", .interrupted), ("file:///etc", .interrupted),
    ] {
      let destination = TransitDestination(
        .vault,
        endpoint: endpoint,
        token: try fake.secret("token")
      )
      do {
        _ = try await destination.prepare(plan, session)
        Issue.record("\(endpoint) answered")
      } catch {
        #expect(error.code == code, "\(endpoint): \(error.words)")
      }
    }
  }
}
