package import KeywardCrypto
package import KeywardExport
package import KeywardModel
package import KeywardService
package import Synchronization

/// A provider in memory that can be told to fail at any of its steps.
///
/// It makes wrapping keys and takes blobs, once for each token; those are there to be opened.
package final class FakeCloud: ExportGateway, CloudDestination, CloudTransport {
  /// The steps of an exchange.
  package enum Step: String, CaseIterable, Sendable {
    case open, prepare, deliver, status, prove
  }

  package struct Parts: Sendable {
    package var failures: [Step: CloudFailure] = [:]
    /// Whether a failing delivery has arrived all the same.
    package var arrivesDespiteFailure = false
    package var blobs: [[UInt8]] = []
    package var plans: [CloudPlan] = []
    package var calls: [Step] = []
    package var spent: Set<[UInt8]> = []
    package var state = CloudKeyStatus.State.pendingImport
    package var proof = ProofResult.proved(by: "mac")
    /// Why a copy cannot be compared, as far as that is known without asking.
    package var reasonNotProvable: String?
    package var validUntil: Timestamp?
    /// What is said about an import that broke off, in place of what happened.
    package var arrival: ImportArrival?
    /// What the last proof could ask.
    package var material: (any ProofMaterial)?
    package var keys = 0
    package var tokens = 0
    package var tokenEnd: Int64 = 86_400
    /// Called when a blob has come.
    package var whenDelivering: (@Sendable () -> Void)?
  }

  package let provider = ExportProvider.aws
  /// The private half of the wrapping key.
  package let wrappingKey: PrivateKey
  package let parts = Mutex(Parts())

  /// One for the whole process: a key of 4096 bits takes long.
  private static let shared = Mutex<PrivateKey?>(nil)

  package init() throws {
    wrappingKey = try Self.shared.withLock { shared in
      if let shared { return shared }
      let made = try PrivateKey.generate(.rsa(bits: 4096))
      shared = made
      return made
    }
  }

  package func change<R: Sendable>(_ body: (inout Parts) -> R) -> R {
    parts.withLock { body(&$0) }
  }

  private func enter(_ step: Step) throws(CloudFailure) {
    let failure = parts.withLock { parts in
      parts.calls.append(step)
      return parts.failures[step]
    }
    if let failure { throw failure }
  }

  package func open(
    _ destination: Destination,
    now: @escaping @Sendable () -> Timestamp
  ) throws(CloudFailure) -> (any CloudDestination, CloudSession) {
    try enter(.open)
    return (self, CloudSession(transport: self, now: now, pause: { _ in }))
  }

  package func send(
    _ request: CloudRequest
  ) async throws(CloudTransportError) -> CloudResponse {
    throw .failed("a fake has no wire")
  }

  package func prepare(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> WrappingParameters {
    try enter(.prepare)
    let (number, token) = parts.withLock { parts in
      if plan.providerKeyID == nil { parts.keys += 1 }
      parts.state = .pendingImport
      parts.tokens += 1
      return (parts.keys, parts.tokens)
    }
    let spki: [UInt8]
    do { spki = try wrappingKey.publicKey().spki() } catch {
      throw CloudFailure(.internalFailure, "No key.")
    }
    let end = parts.withLock { $0.tokenEnd }
    return WrappingParameters(
      provider: .aws,
      providerKeyID: plan.providerKeyID ?? "arn:aws:kms:eu-west-1:111122223333:key/\(number)",
      publicKey: spki,
      algorithm: plan.wrapping,
      token: Array("canary-import-token-\(token)".utf8),
      validUntil: session.now().adding(seconds: end)
    )
  }

  package func deliver(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt {
    let isFresh = parts.withLock { parts in
      parts.plans.append(plan)
      return parts.spent.insert(parameters.token ?? []).inserted
    }
    guard isFresh else { throw CloudFailure(.tokenInvalid, "The token was used.") }
    let arrives = parts.withLock { $0.failures[.deliver] == nil || $0.arrivesDespiteFailure }
    if arrives {
      parts.withLock { parts in
        parts.blobs.append(blob)
        parts.state = .enabled
      }
    }
    parts.withLock { $0.whenDelivering }?()
    try enter(.deliver)
    return ImportReceipt(
      providerKeyID: parameters.providerKeyID,
      materialID: "material-\(parts.withLock { $0.blobs.count })",
      state: .enabled,
      validUntil: plan.validUntil ?? parts.withLock { $0.validUntil }
    )
  }

  package func reasonNotProvable(_ receipt: ImportReceipt, _ plan: CloudPlan) -> String? {
    parts.withLock { $0.reasonNotProvable }
  }

  package func status(
    of receipt: ImportReceipt,
    _ session: CloudSession
  ) async throws(CloudFailure) -> CloudKeyStatus {
    try enter(.status)
    return parts.withLock {
      CloudKeyStatus($0.state, validUntil: $0.validUntil, detail: $0.state.rawValue)
    }
  }

  package func arrival(
    of sent: SentImport,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportArrival {
    try enter(.status)
    let (arrival, count) = parts.withLock { ($0.arrival, $0.blobs.count) }
    if let arrival { return arrival }
    guard parts.withLock({ $0.state }) == .enabled else {
      return sent.unseen("the key waits for material", at: session.now())
    }
    return .arrived(
      ImportReceipt(
        providerKeyID: sent.parameters.providerKeyID,
        materialID: "material-\(count)",
        state: .enabled
      )
    )
  }

  package func prove(
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    try enter(.prove)
    return parts.withLock { parts in
      parts.material = material
      return parts.proof
    }
  }
}
