import KeywardModel
import Yams

/// Expectations of a policy from a file (`kind: PolicyTest`), run without a server.
package struct PolicyTest: Hashable, Sendable {
  package enum Expectation: String, CaseIterable, Sendable {
    /// Allowed at once.
    case allow
    /// Refused.
    case deny
    /// Allowed when others have approved.
    case approval
  }

  package struct Case: Hashable, Sendable {
    package let request: PolicyRequest
    package let expect: Expectation
    package let place: PolicyPlace?
  }

  package let name: String
  package let cases: [Case]

  /// Reads files of `PolicyTest` documents; throws everything that is wrong in any of them.
  package static func parse(
    _ files: [(name: String, text: String)]
  ) throws(PolicyError) -> [PolicyTest] {
    var tests: [PolicyTest] = []
    var problems: [PolicyProblem] = []
    for file in files {
      do throws(PolicyProblem) {
        let source = try YAMLSource(file: file.name, text: file.text)
        let parser = PolicyTestParser(source)
        for node in source.documents { tests.append(try parser.test(node)) }
      } catch {
        problems.append(error)
      }
    }
    guard problems.isEmpty else { throw PolicyError(problems) }
    return tests
  }
}

/// How the cases of tests came out under a policy, and which of its rules they touched.
package struct PolicyTestReport: Hashable, Sendable {
  package struct Outcome: Hashable, Sendable {
    package let test: String
    package let index: Int
    package let expected: PolicyTest.Case
    package let decision: Decision

    package var isAsExpected: Bool {
      switch expected.expect {
      case .allow: decision.isAllowed && decision.approvals.isEmpty
      case .approval: decision.isAllowed && !decision.approvals.isEmpty
      case .deny: !decision.isAllowed
      }
    }
  }

  package let outcomes: [Outcome]
  /// Rules that matched in some case: `BINDING/ROLE#INDEX`, and the names of approval rules.
  package let covered: [String]
  /// Rules that matched in none.
  package let uncovered: [String]

  package var failures: [Outcome] { outcomes.filter { !$0.isAsExpected } }

  package init(_ tests: [PolicyTest], under policy: CompiledPolicy) {
    var outcomes: [Outcome] = []
    var touched: Set<String> = []
    for test in tests {
      for (index, one) in test.cases.enumerated() {
        let explanation = policy.explain(one.request)
        touched.formUnion(explanation.allowing.map(\.description))
        touched.formUnion(explanation.forbidding.map(\.description))
        touched.formUnion(explanation.decision.approvals.map { "ApprovalRule \($0.rule)" })
        outcomes.append(
          Outcome(test: test.name, index: index, expected: one, decision: explanation.decision)
        )
      }
    }
    var all: [String] = policy.approvalRules.map { "ApprovalRule \($0.requirement.rule)" }
    for (number, binding) in policy.bindings.enumerated() {
      for index in policy.roles[binding.role].rules.indices {
        all.append(policy.ruleID(number, index))
      }
    }
    self.outcomes = outcomes
    covered = all.filter(touched.contains)
    uncovered = all.filter { !touched.contains($0) }
  }
}

/// Reads a `PolicyTest` document.
private struct PolicyTestParser {
  private let source: YAMLSource
  private let fields: YAMLFields

  init(_ source: YAMLSource) {
    self.source = source
    fields = YAMLFields(source: source)
  }

  func test(_ node: Node) throws(PolicyProblem) -> PolicyTest {
    let top = try fields.mapping(
      node,
      "a policy test",
      known: ["apiVersion", "kind", "metadata", "spec"]
    )
    let version = try fields.required(top, "apiVersion", in: node)
    guard try fields.plain(version, "apiVersion") == PolicyParser.apiVersion else {
      throw fields.wrong(version, "apiVersion is \(PolicyParser.apiVersion)")
    }
    let kind = try fields.required(top, "kind", in: node)
    guard try fields.text(kind, "kind") == "PolicyTest" else {
      throw fields.wrong(kind, "kind is PolicyTest in a file of tests")
    }
    let metadata = try fields.required(top, "metadata", in: node)
    let names = try fields.mapping(metadata, "metadata", known: ["name", "description"])
    let name = try fields.text(fields.required(names, "name", in: metadata), "name")
    let specNode = try fields.required(top, "spec", in: node)
    let spec = try fields.mapping(specNode, "the spec of a PolicyTest", known: ["cases"])
    let list = try fields.required(spec, "cases", in: specNode)
    var cases: [PolicyTest.Case] = []
    for item in try fields.list(list, "cases", most: 10_000) { cases.append(try one(item)) }
    return PolicyTest(name: name, cases: cases)
  }

  private func one(_ node: Node) throws(PolicyProblem) -> PolicyTest.Case {
    let one = try fields.mapping(
      node,
      "a case",
      known: ["principal", "operation", "resource", "time", "source", "expect"]
    )
    let operationNode = try fields.required(one, "operation", in: node)
    let text = try fields.text(operationNode, "operation")
    guard let operation = ServiceOperation(rawValue: text) else {
      throw fields.wrong(operationNode, "'\(YAMLFields.shown(text))' is no operation")
    }
    let resourceNode = try fields.required(one, "resource", in: node)
    let path = try fields.text(resourceNode, "resource", longest: 1024)
    guard let resource = ResourcePath(path) else {
      throw fields.wrong(
        resourceNode,
        "a resource is a path of segments, such as keys/etcd/prod-eu"
      )
    }
    let expectNode = try fields.required(one, "expect", in: node)
    guard let expect = PolicyTest.Expectation(rawValue: try fields.text(expectNode, "expect"))
    else {
      throw fields.wrong(expectNode, "expect is allow, deny or approval")
    }
    var source: NetworkAddress?
    if let node = one["source"] {
      source = NetworkAddress(try fields.plain(node, "source"))
      guard source != nil else {
        throw fields.wrong(node, "source is an address, such as 10.0.0.1")
      }
    }
    let request = PolicyRequest(
      principal: try principal(fields.required(one, "principal", in: node)),
      operation: operation,
      resource: resource,
      time: try one["time"].map { node throws(PolicyProblem) in try fields.time(node, "time") }
        ?? Timestamp(milliseconds: 0),
      source: source
    )
    return PolicyTest.Case(request: request, expect: expect, place: self.source.place(node))
  }

  private func principal(_ node: Node) throws(PolicyProblem) -> Principal {
    let principal = try fields.mapping(
      node,
      "a principal",
      known: ["kind", "issuer", "name", "cluster", "environment", "claims"]
    )
    let kindNode = try fields.required(principal, "kind", in: node)
    guard let kind = Principal.Kind(rawValue: try fields.text(kindNode, "kind")) else {
      let kinds = Principal.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw fields.wrong(kindNode, "kind is one of \(kinds)")
    }
    func text(_ name: String) throws(PolicyProblem) -> String? {
      guard let node = principal[name] else { return nil }
      return try fields.text(node, name, longest: 512)
    }
    var claims: [String: String] = [:]
    if let node = principal["claims"] {
      guard let mapping = node.mapping else { throw fields.wrong(node, "claims is a mapping") }
      for (key, value) in mapping {
        claims[try fields.plain(key, "the name of a claim")] = try fields.text(value, "a claim")
      }
    }
    let nameNode = try fields.required(principal, "name", in: node)
    let name = try fields.text(nameNode, "name", longest: 512)
    let uid = UInt32(name.dropFirst(4))
    guard kind != .unixPeer || uid.map({ "uid:\($0)" }) == name else {
      throw fields.wrong(nameNode, "the name of a unix-peer is uid:N")
    }
    return Principal(
      kind: kind,
      issuer: try text("issuer"),
      name: name,
      cluster: try text("cluster"),
      environment: try text("environment"),
      claims: claims,
      uid: kind == .unixPeer ? uid : nil
    )
  }
}
