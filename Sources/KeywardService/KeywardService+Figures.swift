package import KeywardModel
import KeywardPolicy

extension KeywardService {
  /// Whether the caller may see the figures of the server and its store (`operator:status`).
  ///
  /// Not audited: docs/decisions/0005.
  package func maySeeFigures(_ caller: Caller) -> Bool {
    policy.decide(PolicyRequest(caller, .operatorStatus, .system, time: now())).isAllowed
  }
}

extension KeywardService {
  /// Asks the policy again whether `caller` may make the key `name`, before the kept answer of its
  /// making is given once more, and records that.
  package func authorizeRepetition(_ caller: Caller, of name: KeyName) async throws(ServiceError) {
    _ = try await awaiting { (reply: @escaping @Sendable (Result<Bool, ServiceError>) -> Void) in
      self.answer(caller, .keyCreate, .key(name), reply: reply) { _, _, _ in true }
    }
  }
}

extension SealStatus {
  /// What anybody may know who holds a share: the seal and its progress, nothing of the store.
  package var progressOnly: SealStatus {
    var status = SealStatus(
      initialized: initialized,
      sealed: sealed,
      version: version,
      startedAt: startedAt
    )
    status.seal = seal
    status.shares = shares
    status.threshold = threshold
    status.progress = progress
    status.dev = dev
    return status
  }
}
