import KeywardAuthn
import Testing

/// Bindings that let too many in are refused, preset by preset.
@Suite
struct BroadnessTests {
  enum Verdict {
    case narrow
    case advice
    case tooBroad
    case neverMatches
  }

  static func verdict(_ broadness: Broadness) -> Verdict {
    switch broadness {
    case .narrow: .narrow
    case .advice: .advice
    case .tooBroad: .tooBroad
    case .neverMatches: .neverMatches
    }
  }

  static let table: [(Preset, String?, [String: [String]], Verdict)] = [
    (.github, nil, [:], .tooBroad), (.github, "*", [:], .tooBroad), (.github, "**", [:], .tooBroad),
    (.github, "octo-org/*", [:], .tooBroad), (.github, "octo-org/**", [:], .tooBroad),
    (.github, "*/octo-repo", [:], .tooBroad), (.github, "octo-org/octo-repo", [:], .advice),
    (.github, "octo-org/octo-repo", ["claim:repository_owner_id": ["65"]], .narrow),
    (.github, nil, ["claim:repository_id": ["74"]], .narrow),
    (.github, nil, ["claim:repository": ["octo-org/octo-repo"]], .advice),
    (.github, nil, ["claim:repository_id": []], .tooBroad),
    (.github, nil, ["claim:repository_owner": ["octo-org"]], .tooBroad),
    (.github, nil, ["claim:repository_owner_id": ["65"]], .tooBroad),
    (.github, nil, ["claim:environment": ["prod"]], .tooBroad),
    (.github, nil, ["claim:job_workflow_ref": ["octo-org/w/.github/workflows/a.yml@x"]], .tooBroad),
    (.github, nil, ["claim:sub": ["repo:octo-org/octo-repo:pull_request"]], .advice),
    (.github, "repo:octo-org/octo-repo:*", [:], .neverMatches),
    (.github, "octo-repo", [:], .neverMatches), (.github, "a/b/c", [:], .neverMatches),
    (.gitlab, nil, [:], .tooBroad), (.gitlab, "my-group/*", [:], .tooBroad),
    (.gitlab, "my-group/**", [:], .tooBroad), (.gitlab, "my-group/my-project", [:], .advice),
    (.gitlab, "my-group/my-project", ["claim:project_id": ["20"]], .narrow),
    (.gitlab, nil, ["claim:project_id": ["20"]], .narrow),
    (.gitlab, nil, ["claim:namespace_id": ["72"]], .tooBroad),
    (.gitlab, nil, ["claim:ref_protected": ["true"]], .tooBroad),
    (.gitlab, "project_path:my-group/my-project:ref_type:branch:ref:main", [:], .neverMatches),
    (.azurePipelines, nil, [:], .tooBroad), (.azurePipelines, "**", [:], .tooBroad),
    (.azurePipelines, "p://contoso/**", [:], .tooBroad),
    (.azurePipelines, "p://contoso/*/deploy", [:], .tooBroad),
    (.azurePipelines, "p://contoso/payments/*", [:], .narrow),
    (.azurePipelines, "p://contoso/payments/deploy", [:], .narrow),
    (.azurePipelines, "contoso/payments/deploy", [:], .neverMatches),
    (.azurePipelines, nil, ["claim:prj_id": ["1"]], .narrow),
    (.azurePipelines, nil, ["claim:org_id": ["1"]], .tooBroad),
    (.jenkins, nil, [:], .tooBroad), (.jenkins, "**", [:], .tooBroad),
    (.jenkins, "https://jenkins.example.org/**", [:], .tooBroad),
    (.jenkins, "https://jenkins.example.org/job/*", [:], .tooBroad),
    (.jenkins, "https://jenkins.example.org/job/payments/**", [:], .narrow),
    (.jenkins, "https://jenkins.example.org/job/payments/", [:], .narrow),
    (.jenkins, nil, ["claim:build_number": ["1"]], .tooBroad),
    (.kubernetes, nil, [:], .tooBroad), (.kubernetes, "*", [:], .tooBroad),
    (.kubernetes, "system:serviceaccount:payments:deployer", [:], .narrow),
    (.kubernetes, "deployer", [:], .neverMatches),
    (.kubernetes, nil, ["claim:namespace": ["payments"]], .narrow),
    (.kubernetes, nil, ["claim:serviceaccount": ["default"]], .tooBroad),
    (.spiffe, nil, [:], .tooBroad), (.spiffe, "**", [:], .tooBroad),
    (.spiffe, "spiffe://prod.example.org/**", [:], .tooBroad),
    (.spiffe, "spiffe://*/ns/payments", [:], .tooBroad),
    (.spiffe, "spiffe://prod.example.org/*/payments", [:], .tooBroad),
    (.spiffe, "spiffe://prod.example.org/ns/payments/**", [:], .narrow),
    (.spiffe, "prod.example.org/ns", [:], .neverMatches),
    (.spiffe, nil, ["name": ["spiffe://prod.example.org/a"]], .narrow),
    (.oidc, nil, [:], .tooBroad), (.oidc, "*", [:], .tooBroad), (.oidc, "alice", [:], .narrow),
    (.oidc, nil, ["claim:groups": ["admins"]], .narrow),
    (.oidc, nil, ["environment": ["prod"]], .tooBroad),
  ]

  @Test
  func everyRowOfTheTable() {
    for (preset, name, allowed, wanted) in Self.table {
      let found = preset.broadness(of: BindingScope(name: name, allowed: allowed))
      #expect(Self.verdict(found) == wanted, "\(preset) \(name ?? "-") \(allowed): \(found)")
    }
    // Every preset has a binding that is too broad, one that is taken, and the empty one is refused.
    for preset in Preset.allCases {
      let rows = Self.table.filter { $0.0 == preset }
      #expect(rows.contains { $0.3 == .tooBroad })
      #expect(rows.contains { $0.3 == .narrow })
    }
  }
}
