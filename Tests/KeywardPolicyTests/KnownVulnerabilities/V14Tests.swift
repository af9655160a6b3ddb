import KeywardModel
import KeywardPolicy
import Testing

/// OpenBao GHSA-mwr2-wmgp-crj6: a name that means something to the server ("root") is taken for what it
/// means when somebody uses it as a name of theirs.
@Suite
struct V14Tests {
  /// Words that mean a place, everything or nothing are no names of documents and no segments.
  @Test(arguments: ["", "/", ".", "..", "*", "**", "{cluster}", "a/b", "//", "./a", "-", "_root"])
  func wordsWithAMeaningAreNoNames(_ name: String) {
    for kind in ["Role", "Binding", "ApprovalRule"] {
      let spec =
        switch kind {
        case "Role": "rules: [{effect: allow, operations: [key:sign], resources: [\"keys/a\"]}]"
        case "Binding": "role: auditor, subjects: [{issuer: corp, name: a}]"
        default:
          "operations: [key:sign], resources: [\"keys/a\"], require: {n: 1, of: [{issuer: corp}]}"
        }
      let text = """
        apiVersion: keyward.dev/v1
        kind: \(kind)
        metadata: {name: "\(name)"}
        spec: {\(spec)}
        """
      #expect(throws: PolicyError.self, "\(kind)") { try PolicySet.parse([("p.yaml", text)]) }
    }
  }

  /// The issuers that are built in are nobody's who comes from outside, and `root` is a name like others:
  /// it gives nothing by itself.
  @Test
  func reservedIssuersAreNoOneElses() throws {
    let policy = CompiledPolicy(.empty, officerUIDs: [0])
    for issuer in BuiltInIssuer.allCases.map(\.rawValue) + ["root", "admin", "security-officer"] {
      for name in ["server", "uid:0", "root", "security-officer", "a"] {
        for kind in [Principal.Kind.jwt, .certificate, .token, .machineRole] {
          for operation in ServiceOperation.allCases {
            let request = PolicyRequest(
              principal: Principal(kind: kind, issuer: issuer, name: name),
              operation: operation,
              resource: ResourcePath(.key(try KeyName("a"))),
              time: Timestamp(milliseconds: 0)
            )
            #expect(!policy.decide(request).isAllowed, "\(kind) \(issuer) \(name) \(operation)")
          }
        }
      }
    }
  }

  @Test(arguments: ["server", "anonymous"])
  func theServersIssuersCannotBeBound(_ issuer: String) {
    let text = """
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: b}
      spec: {role: auditor, subjects: [{issuer: \(issuer)}]}
      """
    #expect(throws: PolicyError.self) { try PolicySet.parse([("p.yaml", text)]) }
  }
}
