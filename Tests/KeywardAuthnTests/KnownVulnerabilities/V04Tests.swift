import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// OpenBao CVE-2025-59048, Vault CVE-2025-11621: a short name is compared, and not the whole identity.
@Suite
struct V04Tests {
  /// Pairs that are equal in their last part alone.
  @Test
  func equalLastPartsAreTwoIdentities() throws {
    let pairs: [(GenuineToken, [String: Any])] = [
      (
        .github,
        [
          "repository": "evil/octo-repo", "repository_owner": "evil",
          "repository_owner_id": "66", "sub": "repo:evil/octo-repo:environment:prod",
        ]
      ),
      (
        .gitlab,
        ["project_path": "evil/my-project", "sub": "project_path:evil/my-project:ref:x"]
      ),
      (.azure, ["sub": "p://contoso/evil/deploy"]),
      (.azure, ["sub": "sc://contoso/payments/deploy"]),
      (.jenkins, ["sub": "https://jenkins.example.org/job/evil/job/main/"]),
      (
        .kubernetes,
        [
          "sub": "system:serviceaccount:evil:deployer",
          "kubernetes.io": ["namespace": "evil", "serviceaccount": ["name": "deployer"]],
        ]
      ),
      (.spiffe, ["sub": "spiffe://prod.example.org/ns/evil/sa/deployer"]),
      (.oidc, ["sub": "f:5678:alice"]),
    ]
    for (genuine, changes) in pairs {
      let forge = try TokenForge(genuine)
      let registry = try forge.registry()
      let tokens = try forge.make([
        forge.order,
        forge.order { order in order.claims.merge(changes) { _, new in new } },
      ])
      let principals = try tokens.map { token in
        try #require(registry.verify(jwt: token, now: now).verified?.principal)
      }
      #expect(!principals[0].isSameIdentity(as: principals[1]), "\(genuine.preset)")
      #expect(LockoutIdentity(principals[0]) != LockoutIdentity(principals[1]))
    }
  }

  /// One name of two issuers, clusters or kinds is two identities.
  @Test
  func equalNamesOfTwoIssuersAreTwoIdentities() {
    let all = [
      Principal(kind: .jwt, issuer: "a", name: "n"), Principal(kind: .jwt, issuer: "b", name: "n"),
      Principal(kind: .jwt, issuer: "a", name: "n", cluster: "eu"),
      Principal(kind: .jwt, issuer: "a", name: "n", cluster: "us"),
      Principal(kind: .certificate, issuer: "a", name: "n"),
      Principal(kind: .machineRole, name: "n"), Principal(kind: .token, name: "n"),
    ]
    for (index, one) in all.enumerated() {
      for (other, two) in all.enumerated() {
        #expect(one.isSameIdentity(as: two) == (index == other))
        #expect((LockoutIdentity(one) == LockoutIdentity(two)) == (index == other))
      }
    }
  }

  /// A cluster's record cannot take the name of an issuer that belongs to no cluster, nor of another
  /// kind of issuer.
  @Test
  func namesOfIssuersAreNotTakenOver() throws {
    let forge = try TokenForge(.github)
    let outside = try IssuerRecord(
      forge.genuine.document(name: "github", keySet: forge.keySetText)
    )
    let registry = try registry(.putIssuer(outside))
    let other = try TokenForge(.github)
    var inside = other.genuine.document(name: "github", keySet: other.keySetText)
    func cluster() throws -> ClusterRecord {
      try ClusterRecord(ClusterDocument(name: "evil", issuers: [inside]))
    }
    #expect(throws: AuthnError.self) { try registry.applying(.putCluster(cluster())) }
    inside.name = "gitlab"
    let next = try registry.applying(.putCluster(cluster()))
    // The same name for another preset in another cluster.
    let third = try TokenForge(.gitlab)
    let foreign = third.genuine.document(name: "gitlab", keySet: third.keySetText)
    #expect(throws: AuthnError.self) {
      try next.applying(
        .putCluster(ClusterRecord(ClusterDocument(name: "third", issuers: [foreign])))
      )
    }
  }
}
