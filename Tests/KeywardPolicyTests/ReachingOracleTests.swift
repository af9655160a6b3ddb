import KeywardModel
import KeywardPolicy
import Testing

/// Decisions on what leads to another resource, against `NaiveEvaluator` asked twice.
///
/// Decision 0016: what allows is asked of the resource that the request names alone; what forbids or
/// asks for approval is asked of both.
@Suite
struct ReachingOracleTests {
  private struct Counts {
    var allowed = 0
    var refusedBehind = 0
    var refusedAtOnce = 0
    var approvedBehind = 0
    var allowedOnlyBehind = 0
  }

  @Test
  func decisionsAgreeWithTheNaiveEvaluatorAskedTwice() throws {
    var random = RandomPolicy(seed: 16)
    var counts = Counts()
    for _ in 0..<(PolicyOracleTests.isLong ? 10_000 : 250) {
      let set = try PolicySet(random.document())
      let policy = CompiledPolicy(set, officerUIDs: [7])
      let naive = NaiveEvaluator(set: set, officerUIDs: [7])
      for _ in 0..<50 {
        let request = random.request()
        // What is behind matters to who is allowed at once, so there it is asked more often.
        for _ in 0..<(policy.isAllowed(request) ? 10 : 1) {
          let source = random.request().resource
          try Self.check(policy, naive, request, reaching: source, &counts)
        }
        Self.checkExplanation(policy, request, reaching: random.request().resource)
      }
    }
    // The generator is worth something only if each kind of answer is frequent.
    let scale = PolicyOracleTests.isLong ? 40 : 1
    #expect(counts.allowed > 5000 * scale && counts.refusedAtOnce > 5000 * scale, "\(counts)")
    #expect(counts.refusedBehind > 50 * scale, "\(counts)")
    #expect(counts.approvedBehind > 25 * scale, "\(counts)")
    #expect(counts.allowedOnlyBehind > 50 * scale, "\(counts)")
  }

  private static func check(
    _ policy: CompiledPolicy,
    _ naive: NaiveEvaluator,
    _ request: PolicyRequest,
    reaching source: ResourcePath,
    _ counts: inout Counts
  ) throws {
    let own = policy.decide(request)
    let behind = PolicyRequest(
      principal: request.principal,
      operation: request.operation,
      resource: source,
      time: request.time,
      source: request.source
    )
    let decision = policy.decide(request, reaching: source)
    let isAllowedAtOnce = naive.isAllowed(request)
    let isAllowed = isAllowedAtOnce && !naive.isForbidden(behind)
    #expect(decision.isAllowed == isAllowed, "\(request) to \(source)\n\(naive.set.canonicalText)")
    let approvals = naive.approvals(request).union(naive.approvals(behind))
    #expect(Set(decision.approvals.map(\.rule)) == (isAllowed ? approvals : []))
    #expect(Set(decision.approvals).count == decision.approvals.count)
    // What is asked without a source, or of itself, is what is asked.
    #expect(policy.decide(request, reaching: nil) == own)
    #expect(policy.decide(request, reaching: request.resource) == own)

    // The rule is the request's own, or the one that forbids behind it.
    let isRefusedBehind = isAllowedAtOnce && !isAllowed
    #expect(decision.rule == (isRefusedBehind ? policy.decide(behind).rule : own.rule))
    do throws(Refusal) {
      let proof = try policy.authorize(request, reaching: source)
      #expect(isAllowed && proof.source == source && proof.resource == request.resource)
      #expect(proof.rule == own.rule && proof.approvals == decision.approvals)
    } catch {
      #expect(!isAllowed && error.decision == decision)
      #expect(error.allowedBy == (isAllowedAtOnce ? own.rule : nil))
    }

    counts.allowed += isAllowed ? 1 : 0
    counts.refusedAtOnce += isAllowedAtOnce ? 0 : 1
    counts.refusedBehind += isRefusedBehind ? 1 : 0
    counts.approvedBehind += decision.approvals.count > own.approvals.count ? 1 : 0
    counts.allowedOnlyBehind += !isAllowedAtOnce && naive.isAllowed(behind) ? 1 : 0
  }

  /// An explanation says what is behind to those alone who are allowed at once.
  private static func checkExplanation(
    _ policy: CompiledPolicy,
    _ request: PolicyRequest,
    reaching source: ResourcePath
  ) {
    let explanation = policy.explain(request, reaching: source)
    let decision = policy.decide(request, reaching: source)
    guard policy.isAllowed(request) else {
      #expect(explanation == policy.explain(request) && explanation.source == nil)
      return
    }
    let behind = PolicyRequest(
      principal: request.principal,
      operation: request.operation,
      resource: source,
      time: request.time,
      source: request.source
    )
    #expect(explanation.decision == decision && explanation.source?.resource == source)
    #expect(explanation.source?.forbidding == policy.explain(behind).forbidding)
    #expect(explanation.source?.forbidding.isEmpty == decision.isAllowed)
  }
}
