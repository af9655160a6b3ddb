import Foundation
import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// 50 clusters in one registry: no token and no certificate of one passes as another's, though all
/// have one `iss`, one `kid`, one name of their authority and one serial number.
@Suite
struct FiftyClustersTests {
  static let count = 50
  static let url = "https://kubernetes.default.svc.cluster.local"
  static let audience = "keyward"

  struct Fleet {
    let oracle: IdentityOracle
    let records: [ClusterRecord]
    let tokens: [String]
    let chains: [[UInt8]]

    init(sameKeyID: Bool) throws {
      oracle = try IdentityOracle()
      var requests: [IdentityOracle.Request] = []
      for index in 0..<count {
        requests += [
          ["op": "key", "name": "issuer\(index)", "type": "p256"],
          ["op": "key", "name": "ca\(index)", "type": "p256"],
          ["op": "key", "name": "node\(index)", "type": "p256"],
        ]
      }
      _ = try oracle.ask(requests)
      let claims: [String: Any] = [
        "iss": url, "aud": [audience], "sub": "system:serviceaccount:kube-system:kms",
        "iat": nowSeconds, "exp": nowSeconds + 600,
        "kubernetes.io": [
          "namespace": "kube-system", "serviceaccount": ["name": "kms", "uid": "1"],
        ] as [String: Any],
      ]
      func keyID(_ index: Int) -> String { sameKeyID ? "k" : "k\(index)" }
      let keys = try oracle.ask(
        (0..<count).map { index in
          ["op": "jwk", "key": "issuer\(index)", "fields": ["kid": keyID(index)]]
        }
      )
      tokens = try oracle.ask(
        (0..<count).map { index in
          [
            "op": "jwt", "key": "issuer\(index)", "alg": "ES256", "claims": claims,
            "header": ["kid": keyID(index)],
          ]
        }
      )
      let authorities = try oracle.ask(
        (0..<count).map { index in
          [
            "op": "certificate", "name": "ca\(index)", "key": "ca\(index)",
            "subject": "kubernetes", "serial": 1, "ca": true,
            "usage": ["key_cert_sign", "crl_sign"], "from": nowSeconds - 1000,
            "to": nowSeconds + 100_000,
          ]
        }
      )
      chains = try oracle.ask(
        (0..<count).map { index in
          [
            "op": "certificate", "name": "node\(index)", "key": "node\(index)",
            "issuer": "ca\(index)", "subject": "kms", "serial": 2,
            "usage": ["digital_signature"], "purposes": ["client"],
            "uris": ["spiffe://cluster.local/ns/kube-system/sa/kms"],
            "from": nowSeconds - 1000, "to": nowSeconds + 1000,
          ]
        }
      ).map(der)
      records = try (0..<count).map { index in
        try ClusterRecord(
          ClusterDocument(
            name: "cluster-\(index)",
            environment: index.isMultiple(of: 2) ? "prod" : nil,
            issuers: [
              IssuerDocument(
                name: "kubernetes",
                preset: "kubernetes",
                url: url,
                audiences: [audience],
                keySet: keySet([keys[index]])
              )
            ],
            authorities: [
              AuthorityDocument(
                name: "node-ca",
                certificates: pem(authorities[index]),
                identity: "uri-san"
              )
            ]
          )
        )
      }
    }

    func registry(without absent: Int? = nil) throws -> Registry {
      var all = Registry.Records()
      for (index, record) in records.enumerated() where index != absent {
        all.clusters[record.name] = record
      }
      return Registry(all)
    }
  }

  @Test(arguments: [true, false])
  func eachIsItself(sameKeyID: Bool) throws {
    let fleet = try Fleet(sameKeyID: sameKeyID)
    let registry = try fleet.registry()
    #expect(registry.conflicts.isEmpty)
    for index in 0..<Self.count {
      let token = try #require(registry.verify(jwt: fleet.tokens[index], now: now).verified)
      #expect(token.principal.cluster == "cluster-\(index)")
      #expect(token.principal.issuer == "kubernetes")
      #expect(token.principal.name == "system:serviceaccount:kube-system:kms")
      #expect(token.principal.environment == (index.isMultiple(of: 2) ? "prod" : nil))
      let certificate = try #require(
        registry.verify(chainDER: [fleet.chains[index]], now: now).verified
      )
      #expect(certificate.principal.cluster == "cluster-\(index)")
      #expect(certificate.principal.issuer == "node-ca")
      #expect(certificate.principal.name == "spiffe://cluster.local/ns/kube-system/sa/kms")
    }
    // With its own cluster gone, nothing of it passes as any of the other 49.
    for index in 0..<Self.count {
      let others = try fleet.registry(without: index)
      let refusal = others.verify(jwt: fleet.tokens[index], now: now).refusal
      #expect(refusal == (sameKeyID ? .signature : .unknownKey))
      #expect(
        others.verify(chainDER: [fleet.chains[index]], now: now).refusal == .chain(.untrusted)
      )
    }
  }

  /// A certificate of one cluster with the authority of another beside it.
  @Test
  func foreignCertificatesBesideDoNotHelp() throws {
    let fleet = try Fleet(sameKeyID: true)
    let others = try fleet.registry(without: 0)
    let foreign = fleet.records[1].authorities[0].certificates[0]
    let own = fleet.records[0].authorities[0].certificates[0]
    for chain in [[own], [foreign], [own, foreign], [foreign, own]] {
      #expect(
        others.verify(chainDER: [fleet.chains[0]] + chain, now: now).refusal == .chain(.untrusted)
      )
    }
    let all = try fleet.registry()
    #expect(
      all.verify(chainDER: [fleet.chains[0], foreign], now: now).verified?.principal.cluster
        == "cluster-0"
    )
  }

  /// Adding a cluster is one record; one that brings a key of another is refused, whatever it calls
  /// itself.
  @Test
  func aKeyOfAnotherClusterIsRefused() throws {
    let fleet = try Fleet(sameKeyID: true)
    var registry = Registry.empty
    for record in fleet.records { registry = try registry.applying(.putCluster(record)) }
    let thief = ClusterDocument(
      name: "thief",
      issuers: [fleet.records[7].issuers[0].document],
      authorities: nil
    )
    #expect(throws: AuthnError.self) {
      try registry.applying(.putCluster(ClusterRecord(thief)))
    }
    let other = ClusterDocument(
      name: "thief",
      issuers: nil,
      authorities: [fleet.records[7].authorities[0].document]
    )
    #expect(throws: AuthnError.self) {
      try registry.applying(.putCluster(ClusterRecord(other)))
    }
    // The record itself can be put again, and taken over once it is gone.
    _ = try registry.applying(.putCluster(fleet.records[7]))
    let without = try registry.applying(.remove(.clusters, fleet.records[7].name))
    _ = try without.applying(.putCluster(ClusterRecord(thief)))
  }

  /// Stored records that share a key, as no server would save them, vouch for nobody.
  @Test
  func sharedKeysVouchForNobody() throws {
    let fleet = try Fleet(sameKeyID: true)
    var records = Registry.Records()
    for record in fleet.records.prefix(3) { records.clusters[record.name] = record }
    let thief = try ClusterRecord(
      ClusterDocument(
        name: "thief",
        issuers: [fleet.records[0].issuers[0].document],
        authorities: [fleet.records[0].authorities[0].document]
      )
    )
    records.clusters[thief.name] = thief
    let registry = Registry(records)
    #expect(registry.conflicts.count == 2)
    #expect(registry.verify(jwt: fleet.tokens[0], now: now).refusal == .ambiguous)
    #expect(registry.verify(chainDER: [fleet.chains[0]], now: now).refusal == .ambiguous)
    #expect(registry.verify(jwt: fleet.tokens[1], now: now).verified != nil)
    #expect(registry.verify(chainDER: [fleet.chains[1]], now: now).verified != nil)
  }
}
