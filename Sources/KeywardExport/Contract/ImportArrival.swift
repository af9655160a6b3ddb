package import KeywardModel

/// An import whose exchange broke off: all that is known of it here.
package struct SentImport: Sendable {
  package let plan: CloudPlan
  package let parameters: WrappingParameters
  package let sentAt: Timestamp
  /// The provider's identifiers of what other exports brought.
  package let others: Set<String>

  /// How long, in seconds, a request that broke off may still be acted on.
  ///
  /// AWS refuses a signature of more than 5 minutes; no other provider holds a request longer.
  package static let settling: Int64 = 300

  package init(
    plan: CloudPlan,
    parameters: WrappingParameters,
    sentAt: Timestamp,
    others: Set<String> = []
  ) {
    self.plan = plan
    self.parameters = parameters
    self.sentAt = sentAt
    self.others = others
  }

  /// What it means that nothing of the import is to be seen at `now`: too early it means nothing.
  package func unseen(_ words: String, at now: Timestamp) -> ImportArrival {
    let settled = sentAt.adding(seconds: Self.settling)
    guard now < settled else { return .absent(words) }
    return .unknown(
      "\(words), and a request that broke off may still be acted on",
      remedy: "Ask again after \(settled.rfc3339)."
    )
  }
}

/// Whether an import is at its provider, as far as the provider's answers show.
///
/// Only what was seen concludes. An answer that fits both ends is `unknown`, whatever is likelier.
package enum ImportArrival: Sendable, Equatable {
  /// Something is there that only this import can have brought.
  case arrived(ImportReceipt)
  /// What is there cannot be if it had arrived, and it cannot arrive any more; part of a sentence.
  case absent(String)
  /// It cannot be told; part of a sentence, and what to do.
  case unknown(String, remedy: String)
}

extension ImportArrival {
  /// The one among new versions at a provider that is the key.
  ///
  /// A version that is certainly another key is not the import's. One that cannot be compared is the
  /// import's only if it is the only one.
  static func among(
    _ candidates: [ImportReceipt],
    of sent: SentImport,
    at now: Timestamp,
    prove: (ImportReceipt) async throws(CloudFailure) -> ProofResult
  ) async throws(CloudFailure) -> ImportArrival {
    var open: [(receipt: ImportReceipt, why: String)] = []
    for candidate in candidates {
      switch try await prove(candidate) {
      case .proved: return .arrived(candidate)
      case .contradicted: continue
      case .notProvable(let why): open.append((candidate, why))
      }
    }
    guard let first = open.first else {
      return sent.unseen("the provider has no version with this key that is new", at: now)
    }
    guard open.count == 1, candidates.count == 1 else {
      return .unknown(
        "\(candidates.count) versions are new at the provider, and which one is the export's cannot "
          + "be told: \(first.why)",
        remedy: "Compare them by hand, then say what is gone with: keyward export retire."
      )
    }
    return .arrived(first.receipt)
  }
}
