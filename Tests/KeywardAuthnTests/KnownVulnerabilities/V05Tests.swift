import Foundation
import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// Vault CVE-2024-2048, CVE-2025-6037: a client certificate known by some of its fields.
@Suite
struct V05Tests {
  /// The same serial number, subject, issuer and names, signed by an authority of the same name that
  /// is not registered, or by the client itself.
  @Test(arguments: ["other-ca", "other-leaf", "leaf"])
  func equalFieldsAreNotEnough(_ signer: String) throws {
    let forge = try CertificateForge()
    let fields = CertificateForge.client(changes: ["serial": 77])
    let genuine = try forge.make("genuine", fields)
    let twin = try forge.make(
      "twin",
      fields.merging(["key": "other-leaf", "signer": signer]) { _, new in new }
    )
    let registry = try forge.registry()
    #expect(registry.verify(chainDER: [genuine], now: now).verified != nil)
    #expect(registry.verify(chainDER: [twin], now: now).refusal == .chain(.untrusted))
    // Also with the genuine one, or the genuine authority, beside it.
    let root = try #require(forge.made["ca"])
    #expect(registry.verify(chainDER: [twin, root], now: now).refusal == .chain(.untrusted))
    #expect(registry.verify(chainDER: [twin, genuine], now: now).refusal == .chain(.notAuthority))
  }

  /// An authority with the name of the registered one and another key, presented by the client.
  @Test
  func aForgedAuthorityBesideIsNotTrusted() throws {
    let forge = try CertificateForge()
    let registry = try forge.registry()
    let forged = try forge.make("other-ca", CertificateForge.authority("other-ca", subject: "Root"))
    let leaf = try forge.make("leaf", CertificateForge.client(issuer: "other-ca"))
    for chain in [[leaf], [leaf, forged]] {
      #expect(registry.verify(chainDER: chain, now: now).refusal == .chain(.untrusted))
    }
  }

  /// Two certificates of one authority with one serial number are two.
  @Test
  func equalSerialNumbersAreTwoCertificates() throws {
    let forge = try CertificateForge()
    let one = try forge.make("one", CertificateForge.client(changes: ["serial": 5]))
    let two = try forge.make(
      "two",
      CertificateForge.client("other-leaf", changes: ["serial": 5])
    )
    let registry = try forge.registry()
    let first = try #require(registry.verify(chainDER: [one], now: now).verified)
    let second = try #require(registry.verify(chainDER: [two], now: now).verified)
    #expect(first.sha256 != second.sha256)
  }

  @Test
  func aLeafIsNoAuthority() throws {
    let forge = try CertificateForge()
    let leaf = try forge.make("leaf", CertificateForge.client())
    let below = try forge.make(
      "below",
      CertificateForge.client("other-leaf", issuer: "leaf")
    )
    let registry = try forge.registry()
    // Leaf as CA: what a client's key signs is nothing.
    #expect(registry.verify(chainDER: [below, leaf], now: now).refusal == .chain(.notAuthority))
    #expect(registry.verify(chainDER: [below], now: now).refusal == .unknownAuthority)
    // It cannot be registered as an authority either.
    #expect(throws: AuthnError.self) { try forge.registry(["leaf"]) }
    // Nor can one that is marked as an authority and may not sign.
    try forge.make(
      "odd",
      CertificateForge.authority("middle", subject: "Odd", ["usage": ["digital_signature"]])
    )
    #expect(throws: AuthnError.self) { try forge.registry(["odd"]) }
  }

  @Test
  func anAuthorityIsNoClient() throws {
    let forge = try CertificateForge()
    let root = try #require(forge.made["ca"])
    let registry = try forge.registry()
    #expect(registry.verify(chainDER: [root], now: now).refusal == .chain(.leafIsAuthority))
    let middle = try forge.make(
      "middle",
      CertificateForge.authority(
        "middle",
        subject: "Middle",
        issuer: "ca",
        [
          "usage": ["key_cert_sign", "digital_signature"], "purposes": ["client"],
          "uris": [CertificateForge.uri],
        ]
      )
    )
    #expect(registry.verify(chainDER: [middle], now: now).refusal == .chain(.leafIsAuthority))
  }

  @Test
  func twoClientsAreNoChain() throws {
    let forge = try CertificateForge()
    let one = try forge.make("one", CertificateForge.client())
    let two = try forge.make("two", CertificateForge.client("other-leaf"))
    let registry = try forge.registry()
    for chain in [[one, two], [two, one], [one, one]] {
      #expect(registry.verify(chainDER: chain, now: now).refusal == .chain(.notAuthority))
    }
  }

  /// A certificate whose authority was replaced by one of the same name is not taken any more.
  @Test
  func aRenewedAuthorityWithAnotherKeyIsAnother() throws {
    let forge = try CertificateForge()
    let leaf = try forge.make("leaf", CertificateForge.client())
    try forge.make("other-ca", CertificateForge.authority("other-ca", subject: "Root"))
    #expect(
      try forge.registry(["other-ca"]).verify(chainDER: [leaf], now: now).refusal
        == .chain(.untrusted)
    )
    // While it is being renewed, both count.
    let both = try forge.registry(["ca", "other-ca"])
    #expect(both.verify(chainDER: [leaf], now: now).verified != nil)
  }
}
