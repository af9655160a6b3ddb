import KeywardModel
import KeywardPolicy
import Testing

/// Decisions against the Cedar engine, on policies that a Python script translates from their YAML.
@Suite
struct CedarOracleTests {
  private struct Question: Encodable {
    let policy: String
    let officers: [UInt32]
    let requests: [Request]
  }

  private struct Request: Encodable {
    let kind: String
    let issuer: String
    let name: String
    let cluster: String?
    let environment: String?
    let claims: [String: String]
    let uid: UInt32?
    let operation: String
    let resource: String
    let time: Int64
    let source: String?

    init(_ request: PolicyRequest) {
      kind = request.principal.kind.rawValue
      issuer = request.principal.issuer
      name = request.principal.name
      cluster = request.principal.cluster
      environment = request.principal.environment
      claims = request.principal.claims
      uid = request.principal.uid
      operation = request.operation.rawValue
      resource = request.resource.description
      time = request.time.milliseconds
      source = request.source?.description
    }
  }

  /// 5,000 pairs of policy and request; 100,000 in the long form.
  @Test
  func decisionsAgreeWithCedar() throws {
    let cedar = try PythonScript("cedar_policy.py")
    var random = RandomPolicy(seed: 33)
    var allowed = 0
    var withApprovals = 0
    for _ in 0..<(PolicyAnalysisTests.isLong ? 2000 : 100) {
      let set = try PolicySet(random.document())
      let policy = CompiledPolicy(set, officerUIDs: [7])
      let requests = (0..<50).map { _ in random.request() }
      let question = Question(
        policy: set.canonicalText,
        officers: [7],
        requests: requests.map { Request($0) }
      )
      let answers = try #require(try cedar.ask(question) as? [[String: Any]])
      try #require(answers.count == requests.count)
      for (request, answer) in zip(requests, answers) {
        let decision = policy.decide(request)
        #expect(
          answer["allowed"] as? Bool == decision.isAllowed,
          "\(request)\n\(set.canonicalText)"
        )
        #expect(answer["approvals"] as? [String] == decision.approvals.map(\.rule).sorted())
        allowed += decision.isAllowed ? 1 : 0
        withApprovals += decision.approvals.isEmpty ? 0 : 1
      }
    }
    #expect(allowed > 500 && withApprovals > 50, "\(allowed) \(withApprovals)")
  }
}
