import KeywardCloud
import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardExport

/// What an export to Google does not ask twice: whether the key is there, and for the import job.
@Suite("Import jobs of Google that are kept", .serialized)
struct KeptJobTests {
  private static func plan(_ number: Int, into key: String? = nil) -> CloudPlan {
    var plan = GooglePushTests.plan("HMAC_SHA256", name: "kept-\(number)")
    plan.providerKeyID = key
    return plan
  }

  /// Each export has a session of its own; the steps that it took to prepare it.
  @discardableResult
  private static func steps(
    _ fake: Fake,
    _ destination: GoogleDestination,
    _ plan: CloudPlan
  ) async throws -> [String] {
    try fake.arm(nil)
    _ = try await destination.prepare(plan, fake.session())
    return try fake.steps()
  }

  @Test("The second key takes one request, and after ten minutes the job is asked for again")
  func reuse() async throws {
    let fake = try Fake("google")
    let destination = try GooglePushTests.destination(fake)
    let first = try await Self.steps(fake, destination, Self.plan(0))
    #expect(
      first == [
        "token", "create-cryptoKeys", "get-importJobs", "create-importJobs", "get-importJobs",
        "get-importJobs",
      ]
    )
    #expect(try await Self.steps(fake, destination, Self.plan(1)) == ["create-cryptoKeys"])
    // The start of a UTC day would ask for another job.
    guard fake.now.milliseconds % 86_400_000 < 85_000_000 else { return }
    try fake.advance(600)
    let later = try await Self.steps(fake, destination, Self.plan(2))
    #expect(later.filter { $0 != "token" } == ["create-cryptoKeys", "get-importJobs"])
  }

  @Test("A job is asked for again after an import that failed")
  func afterFailure() async throws {
    let fake = try Fake("google")
    let destination = try GooglePushTests.destination(fake)
    let plan = Self.plan(0)
    let parameters = try await destination.prepare(plan, fake.session())
    let long = try TestKey(.hmacSHA512)
    await #expect(throws: CloudFailure.self) {
      _ = try await destination.deliver(
        try long.sealed(parameters),
        plan,
        parameters,
        fake.session()
      )
    }
    #expect(
      try await Self.steps(fake, destination, Self.plan(1)) == [
        "create-cryptoKeys", "get-importJobs",
      ]
    )
  }

  @Test("A job belongs to the account, the endpoint, the authorities, the method and the level")
  func apart() async throws {
    let fake = try Fake("google")
    let destination = try GooglePushTests.destination(fake)
    try await Self.steps(fake, destination, Self.plan(0))
    var larger = Self.plan(1)
    larger.wrappingKeyBits = 4096
    let asksAgain = "create-importJobs"
    #expect(try await Self.steps(fake, destination, larger).contains(asksAgain))
    let account = destination.api.account
    let soft = GoogleDestination(
      ring: destination.ring,
      protectionLevel: "SOFTWARE",
      account: account,
      endpoint: fake.url
    )
    #expect(try await Self.steps(fake, soft, Self.plan(2)).contains(asksAgain))
    let other = try GooglePushTests.destination(fake)
    #expect(try await Self.steps(fake, other, Self.plan(3)).contains("get-importJobs"))
    // The same account at the same endpoint, and others who vouch for it.
    try fake.arm(nil)
    let plain = fake.session()
    let vouched = CloudSession(
      transport: plain.transport,
      authorities: "others",
      now: plain.now,
      pause: plain.pause
    )
    _ = try await destination.prepare(Self.plan(4), vouched)
    #expect(try fake.steps() == ["create-cryptoKeys", "get-importJobs"])
  }

  @Test("A job that ends within ten minutes is not kept")
  func ending() {
    let jobs = GoogleImportJobs()
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    let place = GoogleImportJobs.Place(endpoint: "https://a", authorities: nil, name: "j")
    for (seconds, isKept) in [(Int64(600), false), (601, true)] {
      let job = GoogleImportJob(
        name: "j",
        publicKey: [1],
        validUntil: now.adding(seconds: seconds)
      )
      jobs.keep(job, place, at: now)
      #expect((jobs.job(place, at: now) == job) == isKept)
    }
    #expect(jobs.job(place, at: now.adding(seconds: 599)) != nil)
    #expect(jobs.job(place, at: now.adding(seconds: 600)) == nil)
  }

  /// Answers that keys may not be made; all else goes to the fake.
  private struct Importer: CloudTransport {
    let transport: any CloudTransport

    func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse {
      guard request.method == .post, request.url.contains("/cryptoKeys?") else {
        return try await transport.send(request)
      }
      let answer = #"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"no"}}"#
      return CloudResponse(status: 403, body: Array(answer.utf8))
    }
  }

  @Test("A key is made or found, in whichever order takes fewer requests")
  func keys() async throws {
    let fake = try Fake("google")
    let destination = try GooglePushTests.destination(fake)
    try await Self.steps(fake, destination, Self.plan(0))
    #expect(
      try await Self.steps(fake, destination, Self.plan(0)) == [
        "create-cryptoKeys", "get-cryptoKeys", "list",
      ]
    )
    // Into a key that is known to be there; it is made again if it is not.
    #expect(
      try await Self.steps(fake, destination, Self.plan(0, into: "known")) == [
        "get-cryptoKeys", "list",
      ]
    )
    #expect(
      try await Self.steps(fake, destination, Self.plan(1, into: "gone")) == [
        "get-cryptoKeys", "create-cryptoKeys",
      ]
    )
    // Who may import and not make keys imports into those that are there.
    let plain = fake.session()
    let session = CloudSession(
      transport: Importer(transport: plain.transport),
      now: plain.now,
      pause: plain.pause
    )
    let found = try await destination.prepare(Self.plan(0), session)
    #expect(found.providerKeyID.hasSuffix("/cryptoKeys/kept-0"))
    do {
      _ = try await destination.prepare(Self.plan(2), session)
      Issue.record("a key was made without the right to")
    } catch {
      #expect(error.code == .accessDenied, "\(error.words)")
    }
  }
}
