import KeywardCrypto
import KeywardModel
import Synchronization

/// What providers answer, read by the destinations themselves.
extension ExportFuzzTargets {
  /// A call of a destination, with the answers that it gets.
  ///
  /// The first byte says which destination and which of its calls; then come the answers, each of a
  /// byte for the status and a body, with a zero byte between them. After the last, no answer comes.
  /// Whatever a provider says: requests go to its own address alone, a wrapping key has the size that
  /// was asked for, and what is shown is short and can be printed.
  static func answers(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let script = AnswerScript(Array(bytes.dropFirst()))
    let turn = Turn()
    turn.finish {
      guard let party = try? Party(first & 3), let session = try? party.session(script) else {
        return
      }
      do throws(CloudFailure) {
        try await party.call(first >> 2 & 7, session)
      } catch {
        expectPrintable(error.words)
      }
    }
  }

  static func expectPrintable(_ text: String) {
    precondition(text.utf8.count <= 1024 && text.utf8.allSatisfy { (0x20...0x7e).contains($0) })
  }

  /// A destination with the plan of an import into it.
  private struct Party {
    let destination: any CloudDestination
    let plan: CloudPlan
    let parameters: WrappingParameters
    let receipt: ImportReceipt
    let address: String
    /// Where the destination looks for its access token, beside the session.
    private var tokens: AccessTokens?

    init(_ number: UInt8) throws {
      let secret = SecretBox(try SecretBytes.fixture(Array("not a secret".utf8)))
      let provider: ExportProvider
      switch number {
      case 0:
        provider = .aws
        address = "https://kms.eu-west-1.amazonaws.com"
        destination = AWSDestination(
          region: "eu-west-1",
          credentials: AWSCredentials(accessKeyID: "AKID", secretKey: secret)
        )
        plan = CloudPlan(
          keySpec: "SYMMETRIC_DEFAULT",
          wrapping: .hybridSHA256,
          wrappingKeyBits: 2048,
          providerKeyID: "k",
          importType: .new,
          marker: "m"
        )
        receipt = ImportReceipt(providerKeyID: "k", state: .enabled)
      case 1:
        provider = .azureManagedHSM
        address = "https://v.example"
        destination = AzureDestination(
          vault: address,
          isManagedHSM: true,
          kek: "kek",
          credentials: AzureCredentials(tenantID: "t", clientID: "c", clientSecret: secret),
          loginURL: "https://login.example"
        )
        plan = CloudPlan(
          keySpec: "EC-HSM/P-256",
          wrapping: .hybridSHA1,
          wrappingKeyBits: 2048,
          name: "k",
          marker: "m"
        )
        receipt = ImportReceipt(
          providerKeyID: "\(address)/keys/k/0123456789abcdef0123456789abcdef",
          state: .enabled
        )
      case 2:
        provider = .google
        address = "https://kms.example"
        let account = GoogleServiceAccount(
          clientEmail: "e",
          privateKeyID: "i",
          privateKey: try ThrowAwayKeys.key(bits: 2048),
          tokenURL: "https://login.example"
        )
        tokens = account.tokens
        destination = GoogleDestination(
          ring: Self.ring,
          protectionLevel: "HSM",
          account: account,
          endpoint: address
        )
        plan = CloudPlan(
          keySpec: "HMAC_SHA256",
          wrapping: .oaepSHA256,
          wrappingKeyBits: 3072,
          name: "k"
        )
        receipt = ImportReceipt(
          providerKeyID: "\(Self.ring)/cryptoKeys/k/cryptoKeyVersions/1",
          state: .enabled
        )
      default:
        provider = .openbao
        address = "https://bao.example"
        destination = TransitDestination(.openbao, endpoint: address, token: secret)
        plan = CloudPlan(
          keySpec: "aes256-gcm96",
          wrapping: .hybridSHA256,
          wrappingKeyBits: 4096,
          name: "k"
        )
        receipt = ImportReceipt(providerKeyID: "k/1", state: .enabled)
      }
      parameters = WrappingParameters(
        provider: provider,
        providerKeyID: provider == .google ? "\(Self.ring)/cryptoKeys/k" : "k",
        publicKey: [],
        algorithm: plan.wrapping,
        token: [1],
        wrappingKeyID: provider == .google ? "\(Self.ring)/importJobs/j" : kek,
        before: "1"
      )
    }

    private static let ring = "projects/p/locations/l/keyRings/r"

    /// A session that has its access token, so that every answer is one to a call.
    func session(_ script: AnswerScript) throws -> CloudSession {
      script.address = address
      let session = CloudSession(
        transport: script,
        now: { ExportFuzzTargets.now },
        pause: { _ in }
      )
      let token = SecretBox(try SecretBytes.fixture(Array("Bearer x".utf8)))
      let end = ExportFuzzTargets.now.adding(seconds: 3600)
      let scope = "https://managedhsm.azure.net/.default"
      tokens?.keep(token, "https://login.example e", until: end)
      session.tokens.keep(
        token,
        "https://login.example/t/oauth2/v2.0/token \(scope)",
        until: end
      )
      return session
    }

    func call(_ number: UInt8, _ session: CloudSession) async throws(CloudFailure) {
      switch number {
      case 0: check(try await destination.prepare(plan, session))
      case 1:
        // To its end, with what each call before gave.
        let prepared = try await destination.prepare(plan, session)
        check(prepared)
        try await finish(destination.deliver([1], plan, prepared, session), session)
      case 2: try await finish(destination.deliver([1], plan, parameters, session), session)
      case 3: try await finish(receipt, session)
      case 4:
        let sent = SentImport(
          plan: plan,
          parameters: parameters,
          sentAt: ExportFuzzTargets.now.adding(seconds: -600)
        )
        switch try await destination.arrival(of: sent, FuzzMaterial(), session) {
        case .arrived(let receipt): try await finish(receipt, session)
        case .absent(let words): expectPrintable(words)
        case .unknown(let words, let remedy):
          expectPrintable(words)
          expectPrintable(remedy)
        }
      case 5:
        guard let aws = destination as? AWSDestination else { return }
        try await aws.rotate("k", session)
      default: return
      }
    }

    private func check(_ parameters: WrappingParameters) {
      precondition(parameters.algorithm == plan.wrapping)
      precondition(hasFormOfRSA(parameters.publicKey))
      expectPrintable(parameters.providerKeyID)
      expectPrintable(parameters.wrappingKeyID ?? "")
    }

    private func finish(
      _ receipt: ImportReceipt,
      _ session: CloudSession
    ) async throws(CloudFailure) {
      expectPrintable(receipt.providerKeyID)
      expectPrintable(receipt.materialID ?? "")
      let status = try await destination.status(of: receipt, session)
      expectPrintable(status.detail)
      switch try await destination.prove(receipt, plan, FuzzMaterial(), session) {
      case .proved(let way): expectPrintable(way)
      case .contradicted(let words), .notProvable(let words): expectPrintable(words)
      }
    }
  }

  /// A key that agrees with nothing a provider says.
  private struct FuzzMaterial: ProofMaterial {
    var publicKey: [UInt8]? { [1] }

    func mac(_ hash: HashFunction, _ message: [UInt8]) async throws(ProofObstacle) -> [UInt8] {
      [UInt8](repeating: 1, count: 32)
    }

    func open(_ sample: SealedSample) async throws(ProofObstacle) -> [UInt8]? { nil }
  }
}

/// A transport that gives the answers of a fuzzer in turn, and looks where requests go.
private final class AnswerScript: CloudTransport {
  private let answers: Mutex<[ArraySlice<UInt8>]>
  private let requests = Mutex(0)
  private let expected = Mutex("")

  /// Where requests may go.
  var address: String {
    get { expected.withLock { $0 } }
    set { expected.withLock { $0 = newValue } }
  }

  init(_ bytes: [UInt8]) {
    answers = Mutex(bytes.split(separator: 0, omittingEmptySubsequences: false).reversed())
  }

  func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse {
    precondition(isExpected(request.url), "a request to another address than the destination's")
    let count = requests.withLock { count in
      count += 1
      return count
    }
    precondition(count <= 1000, "a provider can keep a call busy without end")
    guard let answer = answers.withLock({ $0.popLast() }), let status = answer.first else {
      throw .timedOut
    }
    let statuses = [200, 204, 400, 401, 403, 404, 409, 429, 500, 503]
    return CloudResponse(
      status: statuses[Int(status) % statuses.count],
      body: Array(answer.dropFirst())
    )
  }

  private func isExpected(_ url: String) -> Bool {
    guard url.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x23 && $0 != 0x5c }) else {
      return false
    }
    if url.hasPrefix(address + "/") { return true }
    // Replicas of a key of AWS are in other Regions, which answers name.
    guard address.hasSuffix(".amazonaws.com"), url.hasPrefix("https://kms.") else { return false }
    let region = url.dropFirst("https://kms.".count).prefix { $0 != "." }
    return AWSKeyService.isRegion(String(region))
      && url.hasPrefix("https://kms.\(region).amazonaws.com")
  }
}

/// Runs a task to its end on this thread, so that a fuzzer sees each input finished before the next.
private final class Turn: TaskExecutor {
  private let jobs = Mutex<[UnownedJob]>([])

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
  }

  func finish(_ body: @escaping @Sendable () async -> Void) {
    let done = Flag()
    Task(executorPreference: self) {
      await body()
      done.raise()
    }
    while let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
    precondition(done.isRaised, "the call waits for something that is no answer")
  }

  private final class Flag: Sendable {
    private let value = Mutex(false)

    var isRaised: Bool { value.withLock { $0 } }

    func raise() { value.withLock { $0 = true } }
  }
}
