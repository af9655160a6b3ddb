import Foundation
import KeywardAuthn

extension HostileTokenTests {
  /// What can be wrong in the claims of one preset alone.
  static func special(_ forge: TokenForge) throws -> [Variant] {
    func variant(
      _ title: String,
      _ refusal: JWTRefusal?,
      _ changes: [String: Any?]
    ) -> Variant {
      Variant(
        title: title,
        refusal: refusal,
        order: forge.order { order in
          for (name, value) in changes { order.claims[name] = value }
        }
      )
    }
    switch forge.genuine.preset {
    case .github:
      return [
        variant(
          "older sub of a branch",
          nil,
          ["sub": "repo:octo-org/octo-repo:ref:refs/heads/main"]
        ),
        variant(
          "older sub of a pull request",
          nil,
          ["sub": "repo:octo-org/octo-repo:pull_request"]
        ),
        variant("immutable sub", nil, ["sub": "repo:octo-org-65/octo-repo-74:ref:refs/heads/main"]),
        variant("immutable sub with @", nil, ["sub": "repo:octo-org@65/octo-repo@74:pull_request"]),
        variant(
          "environment with a colon",
          nil,
          ["sub": "repo:octo-org/octo-repo:environment:a%3Ab"]
        ),
        variant("composed sub", nil, ["sub": "repository_owner_id:65:environment:prod"]),
        variant(
          "sub of another repository",
          .claim("sub"),
          ["sub": "repo:evil/octo-repo:pull_request"]
        ),
        variant("sub of a longer name", .claim("sub"), ["sub": "repo:octo-org/octo-repo2:ref:x"]),
        variant("sub without an end", .claim("sub"), ["sub": "repo:octo-org/octo-repo"]),
        variant(
          "immutable sub of another id",
          .claim("sub"),
          ["sub": "repo:octo-org-65/octo-repo-75:x"]
        ),
        variant(
          "immutable sub of another owner",
          .claim("sub"),
          ["sub": "repo:octo-org-66/octo-repo-74:x"]
        ),
        variant("no repository", .missing("repository"), ["repository": nil]),
        variant("no repository id", .missing("repository_id"), ["repository_id": nil]),
        variant("no owner id", .missing("repository_owner_id"), ["repository_owner_id": nil]),
        variant("repository without an owner", .claim("repository"), ["repository": "octo-repo"]),
        variant("repository of three", .claim("repository"), ["repository": "octo-org/a/b"]),
        variant("owner of another", .claim("repository_owner"), ["repository_owner": "evil"]),
        variant("reference with a NUL", .claim("ref"), ["ref": "refs/heads/a\0b"]),
        variant("reference with two spellings", .claim("ref"), ["ref": "refs/heads/e\u{301}"]),
        variant("reference too long", .claim("ref"), ["ref": String(repeating: "r", count: 1025)]),
      ]
    case .gitlab:
      return [
        variant("sub of the project alone", nil, ["sub": "project_path:my-group/my-project"]),
        variant("composed sub", nil, ["sub": "project_id:20:ref:main"]),
        variant(
          "sub of another project",
          .claim("sub"),
          ["sub": "project_path:evil/my-project:ref:x"]
        ),
        variant(
          "sub of a longer path",
          .claim("sub"),
          ["sub": "project_path:my-group/my-project2"]
        ),
        variant("no project", .missing("project_path"), ["project_path": nil]),
        variant("no project id", .missing("project_id"), ["project_id": nil]),
        variant(
          "project a list",
          .claim("project_path"),
          ["project_path": ["my-group/my-project"]]
        ),
        variant("environment with a NUL", .claim("environment"), ["environment": "prod\0"]),
      ]
    case .azurePipelines:
      return [
        variant("service connection", nil, ["sub": "sc://contoso/payments/production"]),
        variant("no organization claim", nil, ["org_id": nil]),
        variant("sub without a scheme", .claim("sub"), ["sub": "contoso/payments/deploy"]),
        variant("sub of another scheme", .claim("sub"), ["sub": "https://contoso/payments/deploy"]),
        variant("sub without a pipeline", .claim("sub"), ["sub": "p://contoso/payments"]),
        variant("sub with an empty project", .claim("sub"), ["sub": "p://contoso//deploy"]),
        variant("another organization", .claim("org_id"), ["org_id": "9a4d1f2e"]),
        variant("organization empty", .claim("org_id"), ["org_id": ""]),
        variant("organization a number", .claim("org_id"), ["org_id": 1]),
      ]
    case .jenkins:
      return [
        variant("build number a text", nil, ["build_number": "1234"]),
        variant("sub too long", .claim("sub"), ["sub": String(repeating: "j", count: 257)]),
        variant("sub with two spellings", .claim("sub"), ["sub": "https://jenkins/job/e\u{301}"]),
      ]
    case .kubernetes:
      func bound(_ change: (inout [String: Any]) -> Void) -> [String: Any?] {
        var object = forge.genuine.claims["kubernetes.io"] as? [String: Any] ?? [:]
        change(&object)
        return ["kubernetes.io": object]
      }
      return [
        variant("no bound objects", .missing("kubernetes.io"), ["kubernetes.io": nil]),
        variant("bound objects a text", .missing("kubernetes.io"), ["kubernetes.io": "payments"]),
        variant(
          "without pod and node",
          nil,
          bound {
            $0["pod"] = nil
            $0["node"] = nil
          }
        ),
        variant("without service account", .claim("sub"), bound { $0["serviceaccount"] = nil }),
        variant("without namespace", .claim("sub"), bound { $0["namespace"] = nil }),
        variant("another namespace", .claim("sub"), bound { $0["namespace"] = "kube-system" }),
        variant("another account", .claim("sub"), bound { $0["serviceaccount"] = ["name": "x"] }),
        variant(
          "sub of another account",
          .claim("sub"),
          ["sub": "system:serviceaccount:payments:x"]
        ),
        variant("sub of a user", .claim("sub"), ["sub": "system:admin"]),
        variant(
          "a namespace with a colon",
          .claim("sub"),
          bound {
            $0["namespace"] = "a:b"
            $0["serviceaccount"] = ["name": "c"]
          }
          .merging(["sub": "system:serviceaccount:a:b:c"]) { _, new in new }
        ),
      ]
    case .spiffe:
      return [
        "spiffe://other.example.org/ns/payments", "spiffe://prod.example.org",
        "spiffe://prod.example.org/", "spiffe://prod.example.org//a",
        "spiffe://prod.example.org/a/../b", "spiffe://prod.example.org/a/",
        "SPIFFE://prod.example.org/a", "spiffe://PROD.example.org/a",
        "spiffe://prod.example.org:443/a", "spiffe://prod.example.org/a?b",
        "spiffe://prod.example.org/%61", "spiffe://a@prod.example.org/b",
        "https://prod.example.org/a",
      ].map { (subject: String) in variant("sub \(subject)", .claim("sub"), ["sub": subject]) }
    case .oidc:
      return [variant("email verified", nil, ["email_verified": true])]
    }
  }
}
