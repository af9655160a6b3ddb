import KeywardModel
import KeywardPolicy
import Testing

/// Vault CVE-2025-5999, CVE-2025-54996, OpenBao CVE-2025-64761: a name of a privileged policy in other
/// letters or with spaces passes the check that refuses it, and is that policy all the same.
@Suite
struct V08Tests {
  /// Other spellings of `security-officer`: capitals, spaces, full width, NUL, hyphens of other kinds,
  /// combining marks, invisible characters.
  static let spellings = [
    "Security-Officer", "SECURITY-OFFICER", " security-officer", "security-officer ",
    "security-officer\\t", "security-officer\\0", "security\u{2010}officer", "ｓecurity-officer",
    "s\u{0065}\u{0301}curity-officer", "secur\u{0131}ty-officer", "security-\u{00ad}officer",
    "security-officer\u{200b}", "security_officer/", "\u{feff}security-officer",
    "\\ufeffsecurity-officer",
    "\\U0000FEFFsecurity-officer",
  ]

  @Test(arguments: spellings + ["security-officer", "key-user", "auditor", "operator"])
  func aRoleCannotBeNamedLikeABuiltInOne(_ name: String) {
    #expect(throws: PolicyError.self) { try PolicySet.parse([("p.yaml", role(name))]) }
  }

  @Test(
    arguments: spellings + ["kms-plugin", "server", "self", "default-deny", "security-officer"]
  )
  func aBindingCannotBeNamedLikeABuiltInOne(_ name: String) {
    let text = role("mine") + "---\n" + binding(name, "mine")
    #expect(throws: PolicyError.self) { try PolicySet.parse([("p.yaml", text)]) }
  }

  /// Nor does another spelling lead to a role, built in or not: it is a role that is not there.
  @Test(arguments: spellings)
  func anotherSpellingIsNoRole(_ name: String) {
    #expect(throws: PolicyError.self) { try PolicySet.parse([("p.yaml", binding("b", name))]) }
  }

  /// A principal whose name is canonically equivalent to a literal of the policy is another one.
  @Test
  func equivalentTextsAreDifferentIdentities() throws {
    let text = """
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: b}
      spec: {role: key-user, subjects: [{issuer: corp, name: Karl}]}
      """
    let policy = CompiledPolicy(try PolicySet.parse([("p.yaml", text)]), officerUIDs: [])
    for (name, isAllowed) in [("Karl", true), ("\u{212a}arl", false), ("Karl\u{0}", false)] {
      let request = PolicyRequest(
        principal: Principal(kind: .jwt, issuer: "corp", name: name),
        operation: .keyEncrypt,
        resource: ResourcePath(.key(try KeyName("a"))),
        time: Timestamp(milliseconds: 0)
      )
      #expect(policy.decide(request).isAllowed == isAllowed, "\(name)")
    }
    // The trap: Swift holds both texts equal.
    #expect("Karl" == "\u{212a}arl")
  }

  private func role(_ name: String) -> String {
    """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: "\(name)"}
    spec: {rules: [{effect: allow, operations: [key:sign], resources: ["keys/a"]}]}

    """
  }

  private func binding(_ name: String, _ role: String) -> String {
    """
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: "\(name)"}
    spec: {role: "\(role)", subjects: [{issuer: corp, name: alice}]}
    """
  }
}
