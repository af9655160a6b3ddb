import Foundation
import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// Vault CVE-2022-41316: a revocation list that is not loaded until somebody touches it.
@Suite
struct V07Tests {
  /// What is stored, read back as at a start: the first request is refused.
  @Test
  func theFirstRequestAfterAStartSeesTheList() throws {
    let forge = try CertificateForge()
    let gone = try forge.make("gone", CertificateForge.client())
    let kept = try forge.make("kept", CertificateForge.client("other-leaf"))
    let document = AuthorityDocument(
      name: "node-ca",
      certificates: try #require(forge.texts["ca"]),
      revocationLists: try forge.revocationList(["revoked": ["gone"]]),
      identity: "uri-san"
    )
    let stored = try AuthorityRecord(document).encoded
    for chain in [gone, kept] {
      var records = Registry.Records()
      let record = try AuthorityRecord(decoding: stored)
      records.authorities[record.name] = record
      let outcome = Registry(records).verify(chainDER: [chain], now: now)
      #expect(outcome.refusal == (chain == gone ? .chain(.revoked) : nil))
    }
  }

  /// The same for a token that was revoked, and a list that has run out meanwhile.
  @Test
  func revokedTokensStayRevoked() throws {
    var token = try TokenRecordTests.token()
    token.revoke()
    var stored = try TokenRecord(decoding: token.encoded)
    #expect(TokenRecordTests.use(&stored, at: 0) == .revoked)
    #expect(TokenRecordTests.renew(&stored, at: 0) == .revoked)
  }

  @Test
  func aListThatHasRunOutLetsNobodyPass() throws {
    let forge = try CertificateForge()
    let kept = try forge.make("kept", CertificateForge.client())
    let list = try forge.revocationList(["to": nowSeconds + 10])
    let registry = try forge.registry { $0.revocationLists = list }
    #expect(registry.verify(chainDER: [kept], now: now.adding(seconds: 9)).verified != nil)
    #expect(
      registry.verify(chainDER: [kept], now: now.adding(seconds: 10)).refusal
        == .chain(.revocationUnknown)
    )
  }
}
