import KeywardPolicy
import Testing

/// schema/policy.schema.json against what the parser takes and refuses.
@Suite
struct PolicySchemaTests {
  private struct Question: Encodable {
    let text: String
  }

  @Test
  func whatTheParserTakesIsValid() throws {
    let schema = try PythonScript("policy_schema.py")
    var texts = [PolicyParserTests.everything, PolicyParserTests.role, PolicyToolsTests.text]
    texts.append(PolicyToolsTests.tests)
    var random = RandomPolicy(seed: 8)
    for _ in 0..<50 { texts.append(try PolicySet(random.document()).canonicalText) }
    for text in texts {
      let problems = try #require(try schema.ask(Question(text: text)) as? [String])
      #expect(problems.isEmpty, "\(problems) in\n\(text)")
    }
  }

  /// Changes of shape that the parser refuses are not valid either.
  @Test
  func whatIsMisshapenIsNot() throws {
    let schema = try PythonScript("policy_schema.py")
    let changes = [
      ("keyward.dev/v1", "v1"), ("kind: Role", "kind: Roles"), ("{name: etcd-encrypter}", "{}"),
      ("{name: etcd-encrypter}", "{name: Etcd}"), ("{name: etcd-encrypter}", "{name: a, x: b}"),
      ("effect: allow", "effect: deny"), ("operations:", "operation:"),
      ("[key:encrypt, key:decrypt]", "[]"), ("[key:encrypt, key:decrypt]", "key:encrypt"),
      ("keys/etcd/{cluster}", "/keys"), ("keys/etcd/{cluster}", "keys/a*"),
      ("keys/etcd/{cluster}", "keys/{kind}"), ("keys/etcd/{cluster}", "keys/**/a"),
      ("effect: allow", "effect: allow\n      conditions: []"),
      ("effect: allow", "effect: allow\n      conditions: [{attribute: cluster}]"),
      ("effect: allow", "effect: allow\n      conditions: [{attribute: x, in: [a]}]"),
      ("effect: allow", "effect: allow\n      conditions: [{time: {}}]"),
      ("effect: allow", "effect: allow\n      expires: never"),
    ]
    for (old, new) in changes {
      let text = PolicyParserTests.role.replacing(old, with: new)
      #expect(text != PolicyParserTests.role)
      #expect(throws: PolicyError.self) { try PolicySet.parse([("p.yaml", text)]) }
      let problems = try #require(try schema.ask(Question(text: text)) as? [String])
      #expect(problems.count == 1, "\(new)")
    }
    for require in ["{n: 0, of: [{issuer: a}]}", "{of: [{issuer: a}]}", "{n: 1, of: []}", "{n: 1}"]
    {
      let text = """
        apiVersion: keyward.dev/v1
        kind: ApprovalRule
        metadata: {name: a}
        spec: {operations: [key:destroy], resources: ["keys/**"], require: \(require)}
        """
      #expect(throws: PolicyError.self) { try PolicySet.parse([("p.yaml", text)]) }
      let problems = try #require(try schema.ask(Question(text: text)) as? [String])
      #expect(problems.count == 1, "\(require)")
    }
  }
}
