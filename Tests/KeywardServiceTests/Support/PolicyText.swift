/// Documents of policy as tests write them: people with tokens, what they may, and who approves.
enum PolicyText {
  /// A rule of a role.
  struct Rule {
    let effect: String
    let operations: [String]
    let resources: [String]

    static func allow(_ operations: [String], _ resources: [String]) -> Rule {
      Rule(effect: "allow", operations: operations, resources: resources)
    }

    static func forbid(_ operations: [String], _ resources: [String]) -> Rule {
      Rule(effect: "forbid", operations: operations, resources: resources)
    }
  }

  /// Documents one after the other.
  static func all(_ documents: String...) -> String { documents.joined(separator: "---\n") }

  /// A role, and its binding of the same name to the tokens of these names.
  static func grant(_ name: String, to people: [String], _ rules: Rule...) -> String {
    let lines = rules.map { rule in
      "    - {effect: \(rule.effect), operations: \(list(rule.operations)), "
        + "resources: \(list(rule.resources))}\n"
    }
    return """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: \(name)}
      spec:
        rules:
      \(lines.joined())---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: \(name)}
      spec: {role: \(name), subjects: \(subjects(people))}

      """
  }

  /// Those who may look at requests for approval and decide them.
  static func approvers(_ people: String...) -> String {
    grant("approvers", to: people, .allow(["approval:*"], ["approvals"]))
  }

  /// A rule that asks for the approval of one of these people.
  static func approvalRule(
    _ name: String,
    _ operations: [String],
    _ resources: [String],
    of people: String...
  ) -> String {
    """
    apiVersion: keyward.dev/v1
    kind: ApprovalRule
    metadata: {name: \(name)}
    spec:
      operations: \(list(operations))
      resources: \(list(resources))
      require: {n: 1, of: \(subjects(people))}

    """
  }

  private static func list(_ words: [String]) -> String {
    "[" + words.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
  }

  private static func subjects(_ people: [String]) -> String {
    "[" + people.map { "{issuer: tokens, name: \($0)}" }.joined(separator: ", ") + "]"
  }
}
