import KeywardModel
import KeywardPolicy
import Testing

/// What a writer of policy could do to the server with a policy of the allowed size.
@Suite
struct PolicyBoundsTests {
  private static func role(_ name: String, description: String) throws -> [PolicyDocument] {
    try PolicySet.parseDocuments([
      (
        "p.yaml",
        """
        apiVersion: keyward.dev/v1
        kind: Role
        metadata: {name: \(name), description: \(description)}
        spec: {rules: [{effect: allow, operations: [key:show], resources: ["keys/**"]}]}
        """
      )
    ])
  }

  @Test("What could not be read back at the next unsealing is not taken")
  func stored() throws {
    let anchor = try PolicySet.empty.applying(
      try Self.role("a", description: "\"see &x\""),
      prune: false
    )
    // Each file is fine; together they look like an anchor and its alias.
    #expect(throws: PolicyError.self) {
      try anchor.applying(try Self.role("b", description: "\"see *x\""), prune: false)
    }
    // Escapes hide what the canonical form spells out.
    let brackets = String(repeating: "\\x5b", count: 65)
    #expect(throws: PolicyError.self) {
      try PolicySet.empty.applying(
        try Self.role("a", description: "\"\(brackets)\""),
        prune: false
      )
    }
    let fine = try anchor.applying(
      try Self.role("b", description: "\"é, [, \\n, \\0\""),
      prune: false
    )
    #expect(try PolicySet.parse([("stored", fine.canonicalText)]) == fine)
  }

  @Test("Documents that are more than 4 MiB together are not taken")
  func size() throws {
    // Two bytes here, ten in the canonical form.
    let long = "'" + String(repeating: "\u{e9}", count: 2000) + "'"
    let documents = try (0..<220).flatMap { try Self.role("r\($0)", description: long) }
    #expect(throws: PolicyError.self) { try PolicySet.empty.applying(documents, prune: false) }
    _ = try PolicySet.empty.applying(Array(documents.prefix(200)), prune: false)
  }

  private static func named(_ lists: Int, _ names: (Int) -> [String]) throws -> CompiledPolicy {
    let conditions = (0..<lists).map {
      "{attribute: name, in: [\(names($0).joined(separator: ", "))]}"
    }
    let text = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: r}
      spec:
        rules:
          - effect: allow
            operations: [key:show]
            resources: ["keys/**"]
            conditions: [\(conditions.joined(separator: ", "))]
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: b}
      spec: {role: r, subjects: [{issuer: corp}]}
      """
    return CompiledPolicy(try PolicySet.parse([("p.yaml", text)]), officerUIDs: [])
  }

  @Test("Lists of names do not multiply in the analyses", .timeLimit(.minutes(5)))
  func names() throws {
    let none = CompiledPolicy.builtIn(officerUIDs: [])
    // Ten lists of a hundred were 10^20 boxes.
    let apart = try Self.named(10) { list in (0..<100).map { "n\(list)x\($0)" } }
    #expect(try PolicyDifference(from: none, to: apart).isEmpty)
    let shared = try Self.named(10) { list in ["alice"] + (0..<99).map { "n\(list)x\($0)" } }
    let gained = try PolicyDifference(from: none, to: shared).gained
    #expect(gained.map(\.example.principal.name) == ["alice"])
  }

  @Test("A rule of too many boxes is refused before they are made", .timeLimit(.minutes(5)))
  func boxes() throws {
    func list(_ text: (Int) -> String) -> String {
      (0..<1000).map(text).joined(separator: ", ")
    }
    let text = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: r}
      spec:
        rules:
          - {effect: allow, operations: [key:show], resources: [\(list { "keys/k\($0)" })]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: b}
      spec: {role: r, subjects: [\(list { "{issuer: corp, name: n\($0)}" })]}
      """
    let policy = CompiledPolicy(try PolicySet.parse([("p.yaml", text)]), officerUIDs: [])
    #expect(throws: PolicyAnalysisError.tooLarge) {
      try PolicyDifference(from: .builtIn(officerUIDs: []), to: policy)
    }
  }

  @Test("Thousands of rules that cut one rule end the analysis early", .timeLimit(.minutes(5)))
  func cuts() throws {
    let lists = (0..<20).map { list in
      (0..<1000).map { "keys/k\(list)x\($0)" }.joined(separator: ", ")
    }
    let forbids = lists.map { "{effect: forbid, operations: [key:show], resources: [\($0)]}" }
    let text = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: r}
      spec:
        rules:
          - {effect: allow, operations: [key:show], resources: ["keys/*"]}
          - \(forbids.joined(separator: "\n    - "))
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: b}
      spec: {role: r, subjects: [{issuer: corp, name: alice}]}
      """
    let policy = CompiledPolicy(try PolicySet.parse([("p.yaml", text)]), officerUIDs: [])
    #expect(throws: PolicyAnalysisError.tooLarge) {
      try PolicyDifference(from: .builtIn(officerUIDs: []), to: policy, steps: 100_000)
    }
  }
}
