import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// What is concluded about an import whose answer never came: only what was seen.
@Suite("Arrival", .serialized)
struct ArrivalTests {
  /// A provider, and a plan for the import of that number.
  struct Subject {
    let fake: Fake
    let type: KeyType
    let make: () throws -> any CloudDestination
    let plan: (Int) -> CloudPlan

    static func all() throws -> [Subject] {
      let (aws, azure) = (try Fake("aws"), try Fake("azure"))
      let (google, bao) = (try Fake("google"), try Fake("openbao"))
      let symmetric = CloudPlan(
        keySpec: "SYMMETRIC_DEFAULT",
        wrapping: .oaepSHA256,
        wrappingKeyBits: 3072
      )
      let mac = CloudPlan(keySpec: "HMAC_256", wrapping: .oaepSHA256, wrappingKeyBits: 3072)
      return [
        Subject(
          fake: aws,
          type: .hmacSHA256,
          make: { try AWSPushTests.destination(aws) },
          plan: { _ in mac }
        ),
        Subject(
          fake: aws,
          type: .aes256,
          make: { try AWSPushTests.destination(aws) },
          plan: { _ in symmetric }
        ),
        Subject(
          fake: azure,
          type: .ecP256,
          make: { try AzurePushTests.destination(azure) },
          plan: { AzurePushTests.plan("EC-HSM/P-256", "arrival-\($0)") }
        ),
        Subject(
          fake: google,
          type: .hmacSHA256,
          make: { try GooglePushTests.destination(google) },
          plan: { GooglePushTests.plan("HMAC_SHA256", name: "arrival-\($0)") }
        ),
        Subject(
          fake: google,
          type: .aes256,
          make: { try GooglePushTests.destination(google) },
          plan: { GooglePushTests.plan("GOOGLE_SYMMETRIC_ENCRYPTION", name: "opaque-\($0)") }
        ),
        Subject(
          fake: bao,
          type: .hmacSHA256,
          make: { try TransitPushTests.destination(bao) },
          plan: { TransitPushTests.plan("hmac", name: "arrival-\($0)") }
        ),
      ]
    }
  }

  static func marked(_ plan: CloudPlan, _ number: Int) -> CloudPlan {
    var plan = plan
    plan.marker = "exp-\(number)"
    plan.description = "a key, of (tests)"
    return plan
  }

  /// Prepares, then delivers on a way that breaks as `kind` says at the import itself.
  static func broken(
    _ kind: String,
    _ subject: Subject,
    _ key: TestKey,
    _ plan: CloudPlan
  ) async throws -> (sent: SentImport, session: CloudSession) {
    let session = subject.fake.session()
    let destination = try subject.make()
    try subject.fake.arm(nil)
    let parameters = try await destination.prepare(plan, session)
    let blob = try key.sealed(parameters)
    try subject.fake.arm(kind, at: 0, times: 1000)
    // The engine is asked for its versions before the import.
    if subject.fake.greeting["mount"] != nil { try subject.fake.arm(kind, at: 1, times: 1000) }
    var failure: CloudFailure?
    do throws(CloudFailure) {
      _ = try await destination.deliver(blob, plan, parameters, session)
    } catch {
      failure = error
    }
    #expect(failure?.mayHaveActed == true, "\(subject.fake.url) \(kind)")
    try subject.fake.arm(nil)
    let sent = SentImport(plan: plan, parameters: parameters, sentAt: subject.fake.now)
    return (sent, subject.fake.session())
  }

  @Test("An import that arrived without an answer is found, and it alone")
  func arrived() async throws {
    for (index, subject) in try Subject.all().enumerated() {
      let key = try TestKey(subject.type)
      let plan = Self.marked(subject.plan(index), index)
      let (sent, session) = try await Self.broken("cut-after", subject, key, plan)
      let destination = try subject.make()
      var arrival = try await destination.arrival(of: sent, key, session)
      if case .unknown = arrival {
        // Google needs a moment, and says so.
        arrival = try await destination.arrival(of: sent, key, session)
      }
      guard case .arrived(let receipt) = arrival else {
        Issue.record("\(plan.keySpec): \(arrival)")
        continue
      }
      #expect(try subject.fake.material(receipt.providerKeyID) == key.hex, "\(plan.keySpec)")
      switch try await destination.prove(receipt, plan, key, session) {
      case .contradicted(let words): Issue.record("\(plan.keySpec): \(words)")
      case .proved, .notProvable: break
      }
    }
  }

  @Test("An import of which nothing is to be seen is open at first, and did not arrive later")
  func absent() async throws {
    for (index, subject) in try Subject.all().enumerated() {
      let key = try TestKey(subject.type)
      let plan = Self.marked(subject.plan(100 + index), 100 + index)
      let (sent, session) = try await Self.broken("cut", subject, key, plan)
      let destination = try subject.make()
      let early = try await destination.arrival(of: sent, key, session)
      guard case .unknown(_, let remedy) = early, remedy.hasPrefix("Ask again after") else {
        Issue.record("\(plan.keySpec) at once: \(early)")
        continue
      }
      try subject.fake.advance(SentImport.settling)
      let late = try await destination.arrival(of: sent, key, session)
      guard case .absent = late else {
        Issue.record("\(plan.keySpec) later: \(late)")
        continue
      }
    }
  }

  @Test("A key that has older or other material is no sign that an import arrived")
  func older() async throws {
    for (index, subject) in try Subject.all().enumerated() {
      let destination = try subject.make()
      let session = subject.fake.session()
      let first = try TestKey(subject.type)
      var plan = Self.marked(subject.plan(200 + index), 200 + index)
      let done = try await Push(destination: destination, session: session).run(first, plan)
      // The same material again at AWS, whose keys keep theirs; another version elsewhere.
      let isAWS = subject.fake.greeting["access_key"] != nil
      let next = isAWS ? first : try TestKey(subject.type)
      plan.marker = "exp-again"
      if isAWS {
        plan.providerKeyID = done.receipt.providerKeyID
        plan.importType = .existing
        plan.materialID = done.receipt.materialID
      }
      let (sent, late) = try await Self.broken("cut", subject, next, plan)
      try subject.fake.advance(SentImport.settling)
      let arrival = try await destination.arrival(of: sent, next, late)
      switch arrival {
      case .arrived(let receipt): Issue.record("\(plan.keySpec) was seen as \(receipt)")
      case .absent: break
      // An HMAC key of AWS with the same end as before: nothing tells the two apart.
      case .unknown: #expect(plan.keySpec == "HMAC_256", "\(plan.keySpec): \(arrival)")
      }
    }
  }

  @Test("A renewal at AWS is known by its mark, or by the end that it brought")
  func renewals() async throws {
    let fake = try Fake("aws")
    let destination = try AWSPushTests.destination(fake)
    for (type, spec) in [(KeyType.aes256, "SYMMETRIC_DEFAULT"), (.hmacSHA256, "HMAC_256")] {
      let plain = CloudPlan(keySpec: spec, wrapping: .oaepSHA256, wrappingKeyBits: 3072)
      let subject = Subject(fake: fake, type: type, make: { destination }, plan: { _ in plain })
      let key = try TestKey(type)
      var plan = Self.marked(plain, 1)
      plan.validUntil = fake.now.adding(seconds: 20 * 86_400)
      let first = try await Push(destination: destination, session: fake.session()).run(key, plan)
      plan = Self.marked(plan, 2)
      plan.providerKeyID = first.receipt.providerKeyID
      plan.importType = .existing
      plan.materialID = first.receipt.materialID
      plan.validUntil = fake.now.adding(seconds: 40 * 86_400)
      let (lost, session) = try await Self.broken("cut", subject, key, plan)
      try fake.advance(SentImport.settling)
      guard case .absent = try await destination.arrival(of: lost, key, session) else {
        Issue.record("\(spec): a renewal that was lost")
        continue
      }
      let (sent, later) = try await Self.broken("cut-after", subject, key, plan)
      guard case .arrived(let receipt) = try await destination.arrival(of: sent, key, later) else {
        Issue.record("\(spec): a renewal that arrived")
        continue
      }
      #expect(receipt.materialID == first.receipt.materialID)
      #expect(
        receipt.validUntil?.milliseconds == (plan.validUntil?.milliseconds ?? 0) / 1000 * 1000
      )
    }
  }

  @Test("Two imports into one transit key at once are told apart by comparing")
  func race() async throws {
    let fake = try Fake("openbao")
    let session = fake.session()
    let destination = try TransitPushTests.destination(fake)
    let (mine, theirs) = (try TestKey(.hmacSHA256), try TestKey(.hmacSHA256))
    let plan = Self.marked(TransitPushTests.plan("hmac", name: "race"), 1)
    let parameters = try await destination.prepare(plan, session)
    let blob = try mine.sealed(parameters)
    _ = try await Push(destination: destination, session: session).run(theirs, plan)
    try fake.arm("cut-after", at: 1)
    await #expect(throws: CloudFailure.self) {
      _ = try await destination.deliver(blob, plan, parameters, session)
    }
    try fake.arm(nil)
    _ = try await Push(destination: destination, session: session).run(theirs, plan)
    let sent = SentImport(plan: plan, parameters: parameters, sentAt: fake.now)
    let arrival = try await destination.arrival(of: sent, mine, fake.session())
    guard case .arrived(let receipt) = arrival else {
      Issue.record("\(arrival)")
      return
    }
    #expect(receipt.providerKeyID == "race/2")
  }

  @Test("What a wrong address says about a key says nothing about an import")
  func elsewhere() async throws {
    let fake = try Fake("openbao")
    let key = try TestKey(.hmacSHA256)
    let sent = SentImport(
      plan: TransitPushTests.plan("hmac", name: "k"),
      parameters: WrappingParameters(
        provider: .openbao,
        providerKeyID: "k",
        publicKey: [],
        algorithm: .hybridSHA256,
        before: "0"
      ),
      sentAt: fake.now.adding(seconds: -1000)
    )
    let wrong = TransitDestination(
      .openbao,
      endpoint: fake.url,
      mount: "elsewhere",
      token: try fake.secret("token")
    )
    await #expect(throws: CloudFailure.self) {
      _ = try await wrong.arrival(of: sent, key, fake.session())
    }
    for kind in ["cut", "429", "500", "malformed", "redirect", "certificate"] {
      try fake.arm(kind, at: 0, times: 10)
      let right = try TransitPushTests.destination(fake)
      await #expect(throws: CloudFailure.self, "\(kind)") {
        _ = try await right.arrival(of: sent, key, fake.session())
      }
    }
  }
}
