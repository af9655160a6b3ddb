import Foundation
import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// Client certificates against registered authorities.
@Suite
struct CertificateLoginTests {
  @Test
  func aClientIsTaken() throws {
    let forge = try CertificateForge()
    let leaf = try forge.make("leaf", CertificateForge.client())
    let registry = try forge.registry { document in
      document.trustDomain = "prod.example.org"
      document.names = ["spiffe://prod.example.org/ns/*/sa/*"]
      document.environment = "prod"
    }
    let verified = try #require(registry.verify(chainDER: [leaf], now: now).verified)
    #expect(
      verified.principal
        == Principal(
          kind: .certificate,
          issuer: "node-ca",
          name: CertificateForge.uri,
          environment: "prod"
        )
    )
    #expect(verified.sha256 == Digest.sha256(leaf))
    #expect(verified.expiresAt == now.adding(seconds: 3600))
  }

  struct Case: Sendable, CustomStringConvertible {
    let description: String
    let refusal: CertificateRefusal?
    let changes: @Sendable () -> [String: Any?]

    init(
      _ description: String,
      _ refusal: CertificateRefusal?,
      _ changes: @escaping @Sendable @autoclosure () -> [String: Any?]
    ) {
      self.description = description
      self.refusal = refusal
      self.changes = changes
    }
  }

  /// One change of a genuine client certificate at a time.
  static let cases: [Case] = [
    Case("genuine", nil, [:]),
    Case("client and server", nil, ["purposes": ["server", "client"]]),
    Case("without keyUsage", nil, ["usage": nil]),
    Case("without basicConstraints", nil, ["ca": nil]),
    Case("for servers", .chain(.wrongUsage), ["purposes": ["server"]]),
    Case("for any purpose", .chain(.wrongUsage), ["purposes": ["any"]]),
    Case("for code", .chain(.wrongUsage), ["purposes": ["code"]]),
    Case("for no purpose", .chain(.wrongUsage), ["purposes": nil]),
    Case("for key agreement alone", .chain(.wrongUsage), ["usage": ["key_agreement"]]),
    Case("an authority", .chain(.leafIsAuthority), ["ca": true]),
    Case("expired", .chain(.expired), ["to": nowSeconds - 1]),
    Case("expires this second", .chain(.expired), ["to": nowSeconds]),
    Case("expires the next second", nil, ["to": nowSeconds + 1]),
    Case("not yet valid", .chain(.notYetValid), ["from": nowSeconds + 1]),
    Case("valid from this second", nil, ["from": nowSeconds]),
    Case("two URIs", .names, ["uris": [CertificateForge.uri, "spiffe://prod.example.org/x"]]),
    Case("the same URI twice", .names, ["uris": [CertificateForge.uri, CertificateForge.uri]]),
    Case("no name", .names, ["uris": nil]),
    Case("a DNS name alone", .names, ["uris": nil, "dns": ["a.example.org"]]),
    Case("a DNS name beside", nil, ["dns": ["a.example.org"]]),
    Case(
      "another trust domain",
      .trustDomain,
      ["uris": ["spiffe://dev.example.org/ns/payments/sa/x"]]
    ),
    Case("no SPIFFE ID", .trustDomain, ["uris": ["https://prod.example.org/ns/payments/sa/x"]]),
    Case(
      "another namespace",
      .nameNotAllowed,
      ["uris": ["spiffe://prod.example.org/ns/evil/sa/x"]]
    ),
    Case(
      "a longer path",
      .nameNotAllowed,
      ["uris": ["spiffe://prod.example.org/ns/payments/sa/x/y"]]
    ),
    Case("an unknown critical extension", .chain(.invalid(34)), ["unknown_critical": true]),
    Case("signed by a key of nobody", .chain(.untrusted), ["signer": "other-ca"]),
    Case("signed by itself", .chain(.untrusted), ["signer": "leaf"]),
    Case("of an authority of another name", .unknownAuthority, ["issuer_name": "Elsewhere"]),
  ]

  @Test
  func eachChangeIsJudged() throws {
    let forge = try CertificateForge()
    let registry = try forge.registry { document in
      document.trustDomain = "prod.example.org"
      document.names = ["spiffe://prod.example.org/ns/payments/sa/*"]
    }
    for (index, item) in Self.cases.enumerated() {
      let leaf = try forge.make("leaf\(index)", CertificateForge.client(changes: item.changes()))
      let outcome = registry.verify(chainDER: [leaf], now: now)
      #expect(outcome.refusal == item.refusal, "\(item)")
      #expect((outcome.verified != nil) == (item.refusal == nil), "\(item)")
    }
  }

  @Test
  func chainsLeadToTheAuthority() throws {
    let forge = try CertificateForge()
    let middle = try forge.make(
      "middle",
      CertificateForge.authority("middle", subject: "Middle", issuer: "ca")
    )
    let leaf = try forge.make("leaf", CertificateForge.client(issuer: "middle"))
    let root = try #require(forge.made["ca"])
    let registry = try forge.registry()
    for chain in [[leaf, middle], [leaf, middle, root], [leaf, root, middle]] {
      #expect(registry.verify(chainDER: chain, now: now).verified != nil)
    }
    #expect(registry.verify(chainDER: [leaf], now: now).refusal == .unknownAuthority)
    #expect(registry.verify(chainDER: [leaf, root], now: now).refusal == .chain(.untrusted))
    #expect(registry.verify(chainDER: [], now: now).refusal == .chainLength)
    let long = [leaf] + Array(repeating: middle, count: 8)
    #expect(registry.verify(chainDER: long, now: now).refusal == .chainLength)
    // An authority below another one can be registered alone, and ends the way.
    let below = try forge.registry(["middle"])
    #expect(below.verify(chainDER: [leaf], now: now).verified != nil)
    let other = try forge.make("direct", CertificateForge.client())
    #expect(below.verify(chainDER: [other, root], now: now).refusal == .unknownAuthority)
  }

  @Test
  func authoritiesOnTheWayHaveTheirLimits() throws {
    let forge = try CertificateForge(keys: ["deep"])
    let registry = try forge.registry()
    func outcome(_ middle: [String: Any]) throws -> CertificateRefusal? {
      let way = try forge.make(
        "middle",
        CertificateForge.authority("middle", subject: "Middle", issuer: "ca", middle)
      )
      let leaf = try forge.make("leaf", CertificateForge.client(issuer: "middle"))
      return registry.verify(chainDER: [leaf, way], now: now).refusal
    }
    #expect(try outcome([:]) == nil)
    #expect(try outcome(["path_length": 0]) == nil)
    #expect(try outcome(["ca": false]) == .chain(.notAuthority))
    #expect(try outcome(["usage": ["crl_sign"]]) == .chain(.notAuthority))
    #expect(try outcome(["to": nowSeconds - 1]) == .chain(.expired))
    #expect(try outcome(["from": nowSeconds + 1]) == .chain(.notYetValid))
    #expect(try outcome(["purposes": ["server"]]) == .chain(.wrongUsage))
    // A path length of 0 lets no authority follow.
    let first = try forge.make(
      "first",
      CertificateForge.authority("middle", subject: "First", issuer: "ca", ["path_length": 0])
    )
    let second = try forge.make(
      "second",
      CertificateForge.authority("deep", subject: "Second", issuer: "first")
    )
    let leaf = try forge.make("leaf", CertificateForge.client(issuer: "second"))
    #expect(
      registry.verify(chainDER: [leaf, second, first], now: now).refusal == .chain(.tooLong)
    )
  }

  @Test
  func nameConstraintsHold() throws {
    let forge = try CertificateForge()
    try forge.make(
      "ca",
      CertificateForge.authority("ca", subject: "Root", ["permitted": ["example.org"]])
    )
    let registry = try forge.registry { $0.identity = "dns-san" }
    func outcome(_ host: String) throws -> CertificateOutcome {
      let leaf = try forge.make(
        "leaf",
        CertificateForge.client(changes: ["uris": nil, "dns": [host]])
      )
      return registry.verify(chainDER: [leaf], now: now)
    }
    #expect(try outcome("A.Example.org").verified?.principal.name == "a.example.org")
    #expect(try outcome("a.example.com").refusal == .chain(.invalid(47)))
    #expect(try outcome("*.example.org").refusal == .names)
  }

  @Test
  func pinnedKeysAreIdentities() throws {
    let forge = try CertificateForge()
    let leaf = try forge.make("leaf", CertificateForge.client(changes: ["uris": nil]))
    let other = try forge.make(
      "other",
      CertificateForge.client("other-leaf", changes: ["uris": nil])
    )
    let pin = AuthorityDocument.Pin(
      name: "kms-plugin",
      spkiSHA256: try forge.fingerprint("leaf")
    )
    let registry = try forge.registry { document in
      document.identity = "pinned"
      document.pins = [pin]
    }
    #expect(registry.verify(chainDER: [leaf], now: now).verified?.principal.name == "kms-plugin")
    #expect(registry.verify(chainDER: [other], now: now).refusal == .notPinned)
  }

  @Test
  func revocationListsCount() throws {
    let forge = try CertificateForge()
    let leaf = try forge.make("leaf", CertificateForge.client())
    let gone = try forge.make("gone", CertificateForge.client("other-leaf"))
    func refusal(_ lists: String, _ chain: [[UInt8]]) throws -> CertificateRefusal? {
      let registry = try forge.registry { $0.revocationLists = lists }
      return registry.verify(chainDER: chain, now: now).refusal
    }
    let list = try forge.revocationList(["revoked": ["gone"]])
    #expect(try refusal(list, [leaf]) == nil)
    #expect(try refusal(list, [gone]) == .chain(.revoked))
    // One of two lists in force is enough to revoke.
    let empty = try forge.revocationList([:])
    #expect(try refusal(empty + list, [gone]) == .chain(.revoked))
    // A list that is not in force, or not the authority's, says nothing: and then nobody passes.
    for fields: [String: Any] in [
      ["to": nowSeconds], ["from": nowSeconds + 1], ["signer": "other-ca"],
    ] {
      let odd = try forge.revocationList(fields.merging(["revoked": ["gone"]]) { own, _ in own })
      #expect(try refusal(odd, [leaf]) == .chain(.revocationUnknown))
      #expect(try refusal(odd, [gone]) == .chain(.revocationUnknown))
    }
    // A certificate of an authority between needs a list of its own issuer's making too.
    let middle = try forge.make(
      "middle",
      CertificateForge.authority("middle", subject: "Middle", issuer: "ca")
    )
    let below = try forge.make("below", CertificateForge.client(issuer: "middle"))
    #expect(try refusal(list, [below, middle]) == .chain(.revocationUnknown))
    let lower = try forge.revocationList(["issuer": "middle"])
    #expect(try refusal(list + lower, [below, middle]) == nil)
    let without = try forge.revocationList(["revoked": ["middle"]])
    #expect(try refusal(without + lower, [below, middle]) == .chain(.revoked))
  }

  /// Damage of a certificate: no byte can be changed, and nothing makes the reader trap.
  @Test
  func everyChangedByteIsRefused() throws {
    let forge = try CertificateForge()
    let leaf = try forge.make("leaf", CertificateForge.client())
    let registry = try forge.registry()
    for index in leaf.indices {
      var damaged = leaf
      damaged[index] ^= 0x01
      guard let verified = registry.verify(chainDER: [damaged], now: now).verified else { continue }
      Issue.record("byte \(index) of \(leaf.count) was changed: \(verified.principal.name)")
    }
    for length in 0..<leaf.count {
      #expect(
        registry.verify(chainDER: [Array(leaf[..<length])], now: now).refusal == .malformed
      )
    }
    #expect(registry.verify(chainDER: [leaf + [0]], now: now).refusal == .malformed)
    let long = [UInt8](repeating: 0x30, count: Certificate.longest + 1)
    #expect(registry.verify(chainDER: [long], now: now).refusal == .malformed)
  }
}
