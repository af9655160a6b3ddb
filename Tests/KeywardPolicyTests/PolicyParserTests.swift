import KeywardModel
import KeywardPolicy
import Testing

/// What the parser takes and what it does not, with the place it names.
@Suite
struct PolicyParserTests {
  static let role = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: etcd-encrypter}
    spec:
      rules:
        - effect: allow
          operations: [key:encrypt, key:decrypt]
          resources: ["keys/etcd/{cluster}"]

    """

  static let everything = """
    # All there is in the language.
    apiVersion: keyward.dev/v1
    kind: Role
    metadata:
      name: all
      description: |
        Free text, also Ünïcode & signs: *stars*
    spec:
      rules:
        - effect: allow
          operations: ["*"]
          resources: ["**", "keys/*/x", 'keys/{claim:a.b}/{environment}/{issuer}/{name}/**']
          conditions:
            - {attribute: "claim:ref", in: ["refs/heads/main", "true"]}
            - {attribute: kind, not_in: [token]}
            - {source_network: [10.0.0.0/8, "2001:db8::/32", 192.0.2.1]}
            - {time: {not_before: 2026-01-01T00:00:00Z, not_after: "2027-01-01T00:00:00.5Z"}}
            - {time: {days: [mon, fri], from: "08:00", to: "24:00"}}
          expires: 2028-02-29T12:00:00Z
        - effect: forbid
          operations: [key:*, policy:escalate]
          resources: [system]
    ---
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: all-of-them}
    spec:
      role: all
      subjects:
        - {issuer: "*", name: "spiffe://td/*/x/**", cluster: "*", environment: "*", kind: jwt}
        - {issuer: github, name: "**", cluster: prod-eu, environment: "Prod EU"}
      expires: 2028-01-01T00:00:00Z
    ---
    apiVersion: keyward.dev/v1
    kind: ApprovalRule
    metadata: {name: two-of-us}
    spec:
      operations: [key:destroy]
      resources: ["keys/**"]
      require:
        n: 2
        of:
          - {issuer: unix, name: "uid:0"}
          - n: 1
            of: [{issuer: github}, {issuer: corp, kind: certificate}]
      valid_for: 90m
    """

  @Test
  func everythingIsRead() throws {
    let set = try PolicySet.parse([("a.yaml", Self.everything)])
    #expect(set.documents.map(\.name) == ["two-of-us", "all-of-them", "all"])
    #expect(set.document(.role, "all")?.description == "Free text, also Ünïcode & signs: *stars*\n")
    guard case .role(let role)? = set.document(.role, "all")?.body,
      case .binding(let binding)? = set.document(.binding, "all-of-them")?.body,
      case .approvalRule(let rule)? = set.document(.approvalRule, "two-of-us")?.body
    else {
      Issue.record("a document is missing")
      return
    }
    #expect(role.rules.count == 2)
    #expect(role.rules[0].operations == .all)
    #expect(role.rules[0].conditions.count == 5)
    #expect(role.rules[0].expires?.rfc3339 == "2028-02-29T12:00:00.000Z")
    #expect(
      role.rules[1].operations.operations.allSatisfy { operation in
        operation.rawValue.hasPrefix("key:") || operation == .policyEscalate
      }
    )
    #expect(binding.subjects.count == 2)
    #expect(binding.subjects[1].environment == .literal("Prod EU"))
    #expect(rule.tree.needed == 2)
    #expect(rule.tree.nested.first?.subjects.count == 2)
    #expect(rule.validFor == 5400)
  }

  /// The canonical text is the document again, and the same whatever the layout was.
  @Test
  func canonicalTextIsReadBack() throws {
    let set = try PolicySet.parse([("a.yaml", Self.everything), ("b.yaml", Self.role)])
    let again = try PolicySet.parse([("c.yaml", set.canonicalText)])
    #expect(again == set)
    #expect(again.canonicalText == set.canonicalText)
    #expect(again.documents.map(\.body) == set.documents.map(\.body))
  }

  @Test
  func defaultsAreAsDocumented() throws {
    let set = try PolicySet.parse([
      (
        "a.yaml",
        """
        apiVersion: keyward.dev/v1
        kind: ApprovalRule
        metadata: {name: a}
        spec: {operations: [key:destroy], resources: ["keys/**"], require: {n: 1, of: [{issuer: a}]}}
        """
      )
    ])
    guard case .approvalRule(let rule)? = set.documents.first?.body else {
      Issue.record("no approval rule")
      return
    }
    #expect(rule.validFor == 24 * 3600)
  }

  /// One line of a document replaced, and the problem that follows.
  struct Row: CustomTestStringConvertible, Sendable {
    let line: String
    let with: String
    let problem: String
    var testDescription: String { with }
  }

  static let rows = [
    Row(line: "apiVersion: keyward.dev/v1", with: "apiVersion: v1", problem: "1:13: apiVersion is"),
    Row(line: "kind: Role", with: "kind: Roles", problem: "2:7: kind is one of Role"),
    Row(line: "kind: Role", with: "sort: Role", problem: "2:1: 'sort' is no field of a policy"),
    Row(
      line: "kind: Role",
      with: "kind: Role\nkind: Role",
      problem: "this key is in its mapping twice"
    ),
    Row(line: "kind: Role", with: "kind: Role\n\"kind\": Role", problem: "twice"),
    Row(line: "kind: Role", with: "kind: &a Role", problem: "2:7: anchors and aliases"),
    Row(
      line: "kind: Role",
      with: "kind: *a",
      problem: "2:7: this is not YAML: found undefined alias"
    ),
    Row(line: "kind: Role", with: "kind: !!str Role", problem: "2:7: YAML tags"),
    Row(line: "kind: Role", with: "kind: !x \"Role\"", problem: "2:7: YAML tags"),
    Row(line: "kind: Role", with: "kind: !!str \"Role\"", problem: "2:7: YAML tags"),
    Row(
      line: "metadata: {name: etcd-encrypter}",
      with: "metadata: {}",
      problem: "3:11: 'name' is missing"
    ),
    Row(
      line: "metadata: {name: etcd-encrypter}",
      with: "<<: {name: x}",
      problem: "3:1: merge keys"
    ),
    Row(
      line: "metadata: {name: etcd-encrypter}",
      with: "metadata: {name: a/b}",
      problem: "3:18: a name is"
    ),
    Row(
      line: "metadata: {name: etcd-encrypter}",
      with: "metadata: {name: no}",
      problem: "3:18: no can be read"
    ),
    Row(
      line: "metadata: {name: etcd-encrypter}",
      with: "metadata: {name: 12}",
      problem: "3:18: 12 can be read"
    ),
    Row(
      line: "metadata: {name: etcd-encrypter}",
      with: "metadata: {name: a, labels: {}}",
      problem: "3:21: 'labels' is no field of metadata"
    ),
    Row(
      line: "metadata: {name: etcd-encrypter}",
      with: "metadata: {name: auditor}",
      problem: "3:18: 'auditor' is a role that is built in"
    ),
    Row(
      line: "    - effect: allow",
      with: "    - effect: Allow",
      problem: "6:15: effect is allow or forbid"
    ),
    Row(line: "    - effect: allow", with: "    - effect: deny", problem: "6:15: effect is"),
    Row(
      line: "      operations: [key:encrypt, key:decrypt]",
      with: "      operations: [key:encrypt, key:decript]",
      problem: "7:33: 'key:decript' is no operation"
    ),
    Row(
      line: "      operations: [key:encrypt, key:decrypt]",
      with: "      operations: []",
      problem: "7:19: operations is empty"
    ),
    Row(
      line: "      operations: [key:encrypt, key:decrypt]",
      with: "      operations: key:encrypt",
      problem: "7:19: operations is a list"
    ),
    Row(
      line: "      operations: [key:encrypt, key:decrypt]",
      with: "      operations: [\"keys:*\"]",
      problem: "7:20: 'keys:*' is no operation"
    ),
    Row(
      line: "      operations: [key:encrypt, key:decrypt]",
      with: "      operation: [key:encrypt]",
      problem: "7:7: 'operation' is no field of a rule"
    ),
  ]

  @Test(arguments: rows)
  func aWrongLineIsNamed(_ row: Row) throws {
    let text = Self.role.replacing(row.line + "\n", with: row.with + "\n")
    #expect(text != Self.role)
    let problem = try #require(problems(text).first)
    #expect(problem.hasPrefix("role.yaml:"))
    #expect(problem.contains(row.problem), "\(problem)")
  }

  @Test(
    arguments: [
      ("", "is empty"), ("/keys", "no empty segment"), ("keys/", "no empty segment"),
      ("keys//x", "no empty segment"), ("keys/../x", "is no segment"),
      ("keys/./x", "is no segment"),
      ("keys/**/x", "stands at the end only"), ("keys/a*", "mixes text"), ("keys/*a", "mixes text"),
      ("keys/***", "mixes text"), ("keys/{cluster}-x", "mixes text"),
      ("keys/{}", "none of {cluster}"),
      ("keys/{kind}", "none of {cluster}"), ("keys/{Cluster}", "none of {cluster}"),
      ("keys/{claim:}", "none of {cluster}"), ("keys/{{cluster}}", "none of {cluster}"),
      ("keys/a b", "is no segment"), ("keys/ä", "printable ASCII"), ("keys/a\\0", "is no segment"),
      ("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "at most 16 segments"),
    ]
  )
  func aWrongResourceIsNamed(_ resource: String, _ words: String) throws {
    let escaped = resource.replacing("\\", with: "\\\\")
    let text = Self.role.replacing("keys/etcd/{cluster}", with: escaped)
    let problem = try #require(problems(text).first)
    #expect(
      problem.hasPrefix("role.yaml:8:19: ") || problem.hasPrefix("role.yaml:8:"),
      "\(problem)"
    )
    #expect(problem.contains(words), "\(problem)")
  }

  /// A condition or an expiry in a rule, from line 9 on.
  @Test(
    arguments: [
      ("conditions: []", "9:19: conditions is empty"),
      ("conditions: {}", "9:19: conditions is a list"),
      ("conditions: [{}]", "9:20: 'attribute' is missing"),
      (
        "conditions: [{attribute: cluster}]",
        "9:20: a condition on an attribute has 'in' or 'not_in'"
      ),
      ("conditions: [{attribute: cluster, in: [a], not_in: [b]}]", "9:20: a condition on"),
      ("conditions: [{attribute: clusters, in: [a]}]", "9:32: attribute is one of"),
      ("conditions: [{attribute: cluster, in: []}]", "9:45: the list is empty"),
      ("conditions: [{attribute: cluster, in: [1]}]", "9:46: 1 can be read"),
      ("conditions: [{attribute: cluster, in: [true]}]", "9:46: true can be read"),
      ("conditions: [{attribute: cluster, in: [2026-01-01]}]", "9:46: 2026-01-01 can be read"),
      ("conditions: [{attribute: cluster, in: [~]}]", "9:46: ~ can be read"),
      ("conditions: [{attribute: cluster, in: [1e3]}]", "9:46: 1e3 can be read"),
      ("conditions: [{attribute: cluster, in: [\"a*\"]}]", "9:46: values of conditions"),
      ("conditions: [{attribute: kind, in: [robot]}]", "9:43: kind is one of"),
      ("conditions: [{source_network: [10.0.0.1/8]}]", "9:38: a network is"),
      ("conditions: [{source_network: [10.0.0.0/33]}]", "9:38: a network is"),
      ("conditions: [{source_network: [\"::ffff:10.0.0.0/104\"]}]", "9:38: a network is"),
      (
        "conditions: [{source_network: [10.0.0.0/8], attribute: cluster}]",
        "9:20: a condition says one"
      ),
      ("conditions: [{time: {}}]", "9:27: 'days' is missing"),
      ("conditions: [{time: {not_before: tomorrow}}]", "9:40: not_before is a time in UTC"),
      ("conditions: [{time: {not_before: 2026-02-30T00:00:00Z}}]", "9:40: not_before is a time"),
      (
        "conditions: [{time: {not_before: 2026-02-01T00:00:00+01:00}}]",
        "9:40: not_before is a time"
      ),
      (
        "conditions: [{time: {not_before: 2026-02-01T00:00:00Z, not_after: 2026-01-01T00:00:00Z}}]",
        "9:27: not_before is earlier"
      ),
      ("conditions: [{time: {days: [mo], from: \"08:00\", to: \"09:00\"}}]", "9:35: days are"),
      (
        "conditions: [{time: {days: [mon, mon], from: \"08:00\", to: \"09:00\"}}]", "9:40: days are"
      ),
      (
        "conditions: [{time: {days: [mon], from: 08:00, to: \"09:00\"}}]",
        "9:47: from is a time of day"
      ),
      (
        "conditions: [{time: {days: [mon], from: \"8:00\", to: \"09:00\"}}]", "9:47: from is a time"
      ),
      (
        "conditions: [{time: {days: [mon], from: \"08:60\", to: \"09:00\"}}]",
        "9:47: from is a time"
      ),
      (
        "conditions: [{time: {days: [mon], from: \"24:01\", to: \"24:00\"}}]",
        "9:47: from is a time"
      ),
      (
        "conditions: [{time: {days: [mon], from: \"22:00\", to: \"06:00\"}}]",
        "9:27: from is earlier"
      ),
      ("conditions: [{unknown: 1}]", "9:21: 'unknown' is no field of a condition"),
      ("expires: never", "9:16: expires is a time in UTC"),
      ("expires: 2026-13-01T00:00:00Z", "9:16: expires is a time in UTC"),
      ("require: 1", "9:7: 'require' is no field of a rule"),
    ]
  )
  func aWrongConditionIsNamed(_ line: String, _ words: String) throws {
    let problem = try #require(problems(Self.role + "      \(line)\n").first)
    #expect(problem.contains(words), "\(problem)")
  }

  /// A field of a Binding's spec, from line 5 on.
  @Test(
    arguments: [
      ("role: auditor", "'subjects' is missing"),
      ("role: auditor\n  subjects: []", "6:13: subjects is empty"),
      ("role: auditor\n  subjects: [{}]", "6:14: 'issuer' is missing"),
      ("role: auditor\n  subjects: [{issuer: server}]", "6:23: nothing can be given"),
      ("role: auditor\n  subjects: [{issuer: anonymous}]", "6:23: nothing can be given"),
      ("role: auditor\n  subjects: [{issuer: \"git*\"}]", "6:23: issuer is one name in full"),
      ("role: auditor\n  subjects: [{issuer: GitHub}]", "6:23: issuer is one name in full"),
      ("role: auditor\n  subjects: [{issuer: a, kind: server}]", "6:32: kind is one of"),
      ("role: auditor\n  subjects: [{issuer: a, kind: people}]", "6:32: kind is one of"),
      (
        "role: auditor\n  subjects: [{issuer: a, cluster: \"prod-*\"}]", "6:35: cluster is one name"
      ),
      ("role: auditor\n  subjects: [{issuer: a, name: \"a/b*\"}]", "6:32: in a name '*' stands"),
      ("role: auditor\n  subjects: [{issuer: a, name: \"**/b\"}]", "6:32: in a name '*' stands"),
      ("role: auditor\n  subjects: [{issuer: a, name: \"\"}]", "6:32: name is empty"),
      ("role: auditor\n  subjects: [{issuer: a, name: \"K\\u212A\"}]", "6:32: name has at most"),
      ("role: auditor\n  subjects: [{issuer: a, sub: b}]", "6:26: 'sub' is no field of a subject"),
      ("role: nobody\n  subjects: [{issuer: a}]", "5:9: there is no Role 'nobody'"),
      ("role: Auditor\n  subjects: [{issuer: a}]", "5:9: there is no Role 'Auditor'"),
      ("roles: [auditor]", "5:3: 'roles' is no field of the spec of a Binding"),
    ]
  )
  func aWrongBindingIsNamed(_ spec: String, _ words: String) throws {
    let text = "apiVersion: keyward.dev/v1\nkind: Binding\nmetadata: {name: b}\nspec:\n  \(spec)\n"
    let problem = try #require(problems(text).first)
    #expect(problem.contains(words), "\(problem)")
  }

  @Test(
    arguments: [
      ("{n: 0, of: [{issuer: a}]}", "5:16: n is a whole number from 1 to 32"),
      ("{n: -1, of: [{issuer: a}]}", "5:16: n is a whole number"),
      ("{n: \"1\", of: [{issuer: a}]}", "5:16: n is a whole number"),
      ("{n: 01, of: [{issuer: a}]}", "5:16: n is a whole number"),
      ("{n: 1.5, of: [{issuer: a}]}", "5:16: n is a whole number"),
      ("{n: 33, of: [{issuer: a}]}", "5:16: n is a whole number"),
      ("{n: , of: [{issuer: a}]}", "n is a whole number"),
      ("{of: [{issuer: a}]}", "5:12: 'n' is missing"),
      ("{n: 1}", "5:12: 'of' is missing"),
      ("{n: 1, of: []}", "5:23: of is empty"),
      ("{n: 1, of: [{n: 1, of: []}]}", "5:35: of is empty"),
      ("{n: 1, of: [{of: [{issuer: a}]}]}", "5:24: 'n' is missing"),
      ("{n: 1, of: [{n: 0, of: [{issuer: a}]}]}", "5:28: n is a whole number"),
      ("{n: 1, of: [{issuer: a, n: 1}]}", "5:25: 'issuer' is no field of require"),
      ("{n: 1, of: [{}]}", "5:24: 'issuer' is missing"),
      ("[]", "5:12: require is a mapping"),
    ]
  )
  func aWrongQuorumIsNamed(_ require: String, _ words: String) throws {
    let problem = try #require(problems(approval("require: \(require)")).first)
    #expect(problem.contains(words), "\(problem)")
  }

  @Test(arguments: ["0h", "24", "1.5h", "31d", "h", "-1h", "1w", "999999h", "24H", "+4h"])
  func aWrongValidityIsNamed(_ validity: String) throws {
    let text = approval("require: {n: 1, of: [{issuer: a}]}\n  valid_for: \(validity)")
    let problem = try #require(problems(text).first)
    #expect(problem.contains("6:14: valid_for is"), "\(problem)")
  }

  /// Every file and every document tells its first problem.
  @Test
  func allProblemsAreTold() {
    let bad = Self.role.replacing("allow", with: "permit")
    let found = problems(bad + "---\n" + bad + "---\n" + Self.role)
    #expect(found.count == 2)
    #expect(found.last?.hasPrefix("role.yaml:15:15") == true)
  }

  @Test
  func doubledDocumentsAreNamed() throws {
    let problem = try #require(problems(Self.role + "---\n" + Self.role).first)
    #expect(problem.contains("role.yaml:12:18: Role 'etcd-encrypter' is here twice"), "\(problem)")
    #expect(problem.contains("role.yaml:3:18"), "\(problem)")
  }

  /// Texts that would end the stack, or fill memory, of a parser without bounds.
  @Test(arguments: ["[", "{a: ", "- ", "? ", " ", "[{"])
  func depthIsBounded(_ unit: String) throws {
    let text = String(repeating: unit, count: 200_000 / unit.utf8.count)
    #expect(!problems(text).isEmpty || unit == " ")
    let indented = (0..<500).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    #expect(try #require(problems(indented).first).contains("nested deeper"))
  }

  @Test
  func aliasesCannotMultiply() throws {
    var text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for (name, before) in zip("bcdefghij", "abcdefghi") {
      text +=
        "\(name): &\(name) [" + Array(repeating: "*\(before)", count: 9).joined(separator: ", ")
        + "]\n"
    }
    #expect(try #require(problems(text).first).contains("anchors and aliases are not taken"))
    // As a key too: comparing keys walks all of it.
    #expect(try #require(problems(text + "? *j\n: x\n").first).contains("anchors and aliases"))
  }

  @Test
  func sizeIsBounded() throws {
    let text = Self.role + "#" + String(repeating: "x", count: 4 << 20)
    #expect(try #require(problems(text).first).contains("at most 4 MiB"))
    let many = (0...10_000).map {
      "---\n" + Self.role.replacing("etcd-encrypter", with: "r\($0)")
    }
    #expect(try #require(problems(many.joined()).first).contains("at most 10000 documents"))
  }

  /// Texts that are no YAML, or no document, end in a problem and nothing else.
  @Test(
    arguments: [
      "a: b: c", "\t- x", "[", "\"", "'", "%YAML 9.9\n---\nx", "a\0b", "- a\n b: c", "just text",
      "- list",
      "{[1]: 2}", "? {a: b}\n: c", "a: \"\\ud800\"", "a: |\n\tx", "!!binary x",
      "--- >\n x\n...\nrest: [",
      "null", "a: &", "a: *", "&a", "\u{feff}a: b",
    ]
  )
  func otherTextIsRefused(_ text: String) {
    #expect(!problems(text).isEmpty)
  }

  /// Damaged texts are refused, or are a policy that is read back; nothing else can come out.
  @Test
  func damagedTextsAreRefusedOrRead() throws {
    var random = SplitMix(seed: 6)
    let original = Array(Self.everything.utf8)
    let pieces = [
      "*", "&a ", "!", "{", "[", "]", "}", "---\n", "\"", "'", "\n  ", ": ", "- ", "|", "?",
      "\\x41",
    ]
    var taken = 0
    for _ in 0..<(PolicyAnalysisTests.isLong ? 200_000 : 1500) {
      var bytes = original
      for _ in 0..<(1 + random.below(3)) {
        let place = random.below(bytes.count)
        switch random.below(4) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(20)))
        case 2: bytes.insert(contentsOf: random.pick(pieces).utf8, at: place)
        default: bytes.insert(contentsOf: bytes[..<place].suffix(random.below(40)), at: place)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      guard let set = try? PolicySet.parse([("p.yaml", text)]) else { continue }
      taken += 1
      #expect(try PolicySet.parse([("p.yaml", set.canonicalText)]) == set)
    }
    #expect(taken > 0)
  }

  private func approval(_ lines: String) -> String {
    """
    apiVersion: keyward.dev/v1
    kind: ApprovalRule
    metadata: {name: a}
    spec:
      \(lines)
      operations: [key:destroy]
      resources: ["keys/**"]
    """
  }

  private func problems(_ text: String) -> [String] {
    do throws(PolicyError) {
      _ = try PolicySet.parse([("role.yaml", text)])
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }
}
