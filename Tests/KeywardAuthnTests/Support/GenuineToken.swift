import Foundation
import KeywardAuthn
import KeywardModel

/// What a genuine issuer of a preset puts into a token, and how it is registered.
struct GenuineToken: @unchecked Sendable {
  // Unchecked: the dictionary holds texts, numbers, booleans, lists and dictionaries of them alone.
  let preset: Preset
  let url: String
  let claims: [String: Any]
  /// What the token must become.
  let name: String
  let environment: String?
  let mapped: [String: String]

  static let audience = "https://keyward.example.org"

  /// The claims with those that every token has.
  var allClaims: [String: Any] {
    claims.merging([
      "iss": url, "aud": Self.audience, "iat": nowSeconds - 5, "nbf": nowSeconds - 5,
      "exp": nowSeconds + 600, "jti": "b1946ac9-2492-4d23-8f00-000000000001",
    ]) { own, _ in own }
  }

  func document(
    name: String,
    keySet: String,
    claims: [String]? = nil,
    singleUse: Bool? = nil
  ) -> IssuerDocument {
    IssuerDocument(
      name: name,
      preset: preset.rawValue,
      url: url,
      audiences: [Self.audience],
      keySet: keySet,
      claims: claims,
      trustDomain: preset == .spiffe ? "prod.example.org" : nil,
      singleUse: singleUse
    )
  }

  static let all: [GenuineToken] = [
    github, gitlab, azure, jenkins, kubernetes, spiffe, oidc,
  ]

  static let github = GenuineToken(
    preset: .github,
    url: "https://token.actions.githubusercontent.com",
    claims: [
      "sub": "repo:octo-org/octo-repo:environment:prod", "ref": "refs/heads/main",
      "sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "repository": "octo-org/octo-repo",
      "repository_id": "74", "repository_owner": "octo-org", "repository_owner_id": "65",
      "repository_visibility": "private", "run_id": "30433642", "run_number": "657",
      "run_attempt": "1", "actor": "octocat", "actor_id": "12", "workflow": "deploy",
      "head_ref": "", "base_ref": "", "event_name": "push", "ref_type": "branch",
      "ref_protected": "true", "environment": "prod", "runner_environment": "github-hosted",
      "workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
      "job_workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
      "enterprise": "octo",
    ],
    name: "octo-org/octo-repo",
    environment: "prod",
    mapped: [
      "repository": "octo-org/octo-repo", "repository_id": "74", "repository_owner": "octo-org",
      "repository_owner_id": "65", "repository_visibility": "private", "environment": "prod",
      "ref": "refs/heads/main", "ref_type": "branch", "ref_protected": "true",
      "event_name": "push", "runner_environment": "github-hosted", "actor": "octocat",
      "actor_id": "12", "sub": "repo:octo-org/octo-repo:environment:prod",
      "workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
      "job_workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
    ]
  )

  static let gitlab = GenuineToken(
    preset: .gitlab,
    url: "https://gitlab.example.org",
    claims: [
      "namespace_id": "72", "namespace_path": "my-group", "project_id": "20",
      "project_path": "my-group/my-project", "user_id": "1", "user_login": "sample",
      "user_email": "sample@example.org", "pipeline_id": "574", "pipeline_source": "push",
      "job_id": "302", "ref": "feature", "ref_type": "branch", "ref_path": "refs/heads/feature",
      "ref_protected": "true", "environment": "prod-eu", "environment_protected": "true",
      "deployment_tier": "production", "runner_id": 1, "runner_environment": "self-hosted",
      "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc", "project_visibility": "private",
      "ci_config_ref_uri": "gitlab.example.org/my-group/my-project//.gitlab-ci.yml@refs/heads/main",
      "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
      "sub": "project_path:my-group/my-project:ref_type:branch:ref:feature",
    ],
    name: "my-group/my-project",
    environment: "prod-eu",
    mapped: [
      "namespace_id": "72", "namespace_path": "my-group", "project_id": "20",
      "project_path": "my-group/my-project", "user_login": "sample", "pipeline_source": "push",
      "ref": "feature", "ref_type": "branch", "ref_protected": "true", "environment": "prod-eu",
      "environment_protected": "true", "deployment_tier": "production",
      "runner_environment": "self-hosted",
      "ci_config_ref_uri": "gitlab.example.org/my-group/my-project//.gitlab-ci.yml@refs/heads/main",
      "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
      "sub": "project_path:my-group/my-project:ref_type:branch:ref:feature",
    ]
  )

  static let azure = GenuineToken(
    preset: .azurePipelines,
    url: "https://vstoken.dev.azure.com/9a4d1f2e-0000-4000-8000-000000000001",
    claims: [
      "sub": "p://contoso/payments/deploy", "org_id": "9a4d1f2e-0000-4000-8000-000000000001",
      "prj_id": "11111111-0000-4000-8000-000000000002", "def_id": "42",
      "rpo_id": "22222222-0000-4000-8000-000000000003",
      "rpo_uri": "https://dev.azure.com/contoso/payments/_git/payments",
      "rpo_ver": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "rpo_ref": "refs/heads/main",
      "run_id": "901",
    ],
    name: "p://contoso/payments/deploy",
    environment: nil,
    mapped: [
      "sub": "p://contoso/payments/deploy", "org_id": "9a4d1f2e-0000-4000-8000-000000000001",
      "prj_id": "11111111-0000-4000-8000-000000000002", "def_id": "42",
      "rpo_id": "22222222-0000-4000-8000-000000000003",
      "rpo_uri": "https://dev.azure.com/contoso/payments/_git/payments",
      "rpo_ver": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "rpo_ref": "refs/heads/main",
      "run_id": "901",
    ]
  )

  static let jenkins = GenuineToken(
    preset: .jenkins,
    url: "https://jenkins.example.org/oidc",
    claims: [
      "sub": "https://jenkins.example.org/job/payments/job/main/", "build_number": 1234,
    ],
    name: "https://jenkins.example.org/job/payments/job/main/",
    environment: nil,
    mapped: [
      "sub": "https://jenkins.example.org/job/payments/job/main/", "build_number": "1234",
    ]
  )

  static let kubernetes = GenuineToken(
    preset: .kubernetes,
    url: "https://kubernetes.default.svc.cluster.local",
    claims: [
      "aud": [audience],
      "kubernetes.io": [
        "namespace": "payments",
        "serviceaccount": ["name": "deployer", "uid": "7cb2a4f0-0000-4000-8000-000000000001"],
        "pod": ["name": "deployer-5d9", "uid": "7cb2a4f0-0000-4000-8000-000000000002"],
        "node": ["name": "node-1", "uid": "7cb2a4f0-0000-4000-8000-000000000003"],
      ] as [String: Any],
      "sub": "system:serviceaccount:payments:deployer",
    ],
    name: "system:serviceaccount:payments:deployer",
    environment: nil,
    mapped: [
      "sub": "system:serviceaccount:payments:deployer", "namespace": "payments",
      "serviceaccount": "deployer",
      "serviceaccount_uid": "7cb2a4f0-0000-4000-8000-000000000001", "pod": "deployer-5d9",
      "pod_uid": "7cb2a4f0-0000-4000-8000-000000000002", "node": "node-1",
      "node_uid": "7cb2a4f0-0000-4000-8000-000000000003",
    ]
  )

  static let spiffe = GenuineToken(
    preset: .spiffe,
    url: "https://oidc.prod.example.org",
    claims: ["sub": "spiffe://prod.example.org/ns/payments/sa/deployer", "aud": [audience]],
    name: "spiffe://prod.example.org/ns/payments/sa/deployer",
    environment: nil,
    mapped: ["trust_domain": "prod.example.org"]
  )

  static let oidc = GenuineToken(
    preset: .oidc,
    url: "https://login.example.org/realms/main",
    claims: ["sub": "f:1234:alice", "email": "alice@example.org", "groups": ["a", "b"]],
    name: "f:1234:alice",
    environment: nil,
    mapped: ["sub": "f:1234:alice"]
  )
}
