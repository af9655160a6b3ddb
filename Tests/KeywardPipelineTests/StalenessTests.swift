import KeywardModel
import Testing

@testable import KeywardPipeline

@Suite
struct StalenessTests {
  private let yaml = """
    apiVersion: v1
    kind: List
    items:
    - apiVersion: v1
      kind: Secret
      metadata:
        name: db
        namespace: payments
        annotations:
          keyward.dev/versions: kw://payments/db?version=3#password kw://payments/db?version=3#user
      data:
        note: kw://looks/like#one
    - apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: web
        annotations: {"keyward.dev/versions": "kw://payments/api?version=1#key"}
      spec: {"kw://as/a#key": kw://bad}
    - {apiVersion: v1, kind: Service, metadata: {name: web}}
    """

  private func plan(_ versions: [String: Int?]) -> SecretPlan {
    let results = versions.map { reference, version in
      SecretResolution(
        reference: reference,
        outcome: version == nil ? .missing : .allowed,
        rule: "",
        version: version
      )
    }
    let head = FetchSecretsHead(
      environment: "prod",
      environmentSource: .request,
      isProduction: false,
      isComplete: true,
      results: results
    )
    return SecretPlan(head, wanted: [:])
  }

  @Test
  func tellsWhatIsStale() throws {
    let staleness = try Staleness(Array(yaml.utf8), file: "deployed")
    #expect(
      staleness.references.map(\.description) == [
        "kw://payments/db#password", "kw://payments/db#user", "kw://payments/api#key",
      ]
    )
    let findings = staleness.findings(
      plan([
        "kw://payments/db#password": 3, "kw://payments/db#user": 4, "kw://payments/api#key": nil,
      ])
    )
    #expect(findings.map(\.isStale) == [false, true, true])
    #expect(
      findings.map(\.object) == ["payments/Secret/db", "payments/Secret/db", "Deployment/web"]
    )
    #expect(findings.map(\.current) == [3, 4, nil])
  }

  @Test
  func readsWhatRenderingWrites() throws {
    let source = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {a: kw://x/y#a}\n"
    let output = try rendered(source, ["kw://x/y#a": [0x31]], annotating: true)
    let staleness = try Staleness(output, file: "deployed")
    #expect(staleness.findings(plan(["kw://x/y#a": 7])).map(\.isStale) == [false])
    #expect(staleness.findings(plan(["kw://x/y#a": 8])).map(\.isStale) == [true])
  }

  @Test
  func readsJSON() throws {
    let json = """
      {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "annotations":
        {"keyward.dev/versions": "kw://x/y?version=2#a"}}, "data": {"p": "a3c6Ly9"}}
      """
    #expect(
      try Staleness(Array(json.utf8), file: "-").references.map(\.description) == ["kw://x/y#a"]
    )
  }

  @Test(arguments: ["kw://x/y#a", "nonsense", "kw://x/y?version=2#a;"])
  func otherAnnotationsAreErrors(_ text: String) {
    let source =
      "apiVersion: v1\nkind: S\nmetadata: {annotations: {\"keyward.dev/versions\": \"\(text)\"}}\n"
    #expect(throws: PipelineError.self) { try Staleness(Array(source.utf8), file: "-") }
  }
}
