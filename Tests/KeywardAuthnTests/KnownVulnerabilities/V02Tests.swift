import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// Vault CVE-2020-16250, CVE-2020-16251: an answer that an attacker can shape is parsed for the
/// identity, and one kind of proof is taken for another.
@Suite
struct V02Tests {
  /// All presets side by side: a token is its own issuer's or nobody's.
  @Test
  func aTokenOfOneKindIsNoOther() throws {
    let oracle = try IdentityOracle()
    let all = GenuineToken.all
    _ = try oracle.ask(
      all.map { ["op": "key", "name": $0.preset.rawValue, "type": "p256"] }
    )
    let keys = try oracle.ask(
      all.map { ["op": "jwk", "key": $0.preset.rawValue, "fields": ["kid": "k"]] }
    )
    var registry = Registry.empty
    for (genuine, key) in zip(all, keys) {
      let document = genuine.document(name: genuine.preset.rawValue, keySet: keySet([key]))
      registry = try registry.applying(.putIssuer(IssuerRecord(document)))
    }
    for signer in all {
      for genuine in all {
        // The signer signs the claims of the other, with the other's `iss` and with its own.
        for url in Set([genuine.url, signer.url]) {
          let token = try oracle.ask([
            "op": "jwt", "key": signer.preset.rawValue, "alg": "ES256", "header": ["kid": "k"],
            "claims": genuine.allClaims.merging(["iss": url]) { _, new in new },
          ])
          let outcome = registry.verify(jwt: token, now: now)
          if url != signer.url {
            #expect(outcome.refusal == .signature, "\(signer.preset) as \(genuine.preset)")
          } else if let principal = outcome.verified?.principal {
            // Whatever it claims, its issuer is the one that signed.
            #expect(principal.issuer == signer.preset.rawValue)
          }
          if signer.preset == genuine.preset { #expect(outcome.verified != nil) }
        }
      }
    }
  }

  /// Other documents that issuers sign with the same keys.
  @Test(arguments: ["at+jwt", "logout+jwt", "secevent+jwt", "dpop+jwt", "entity-statement+jwt"])
  func otherKindsOfJWTAreRefused(_ type: String) throws {
    let forge = try TokenForge(.oidc)
    let token = try #require(forge.make([forge.order { $0.header["typ"] = type }]).first)
    #expect(try forge.registry().verify(jwt: token, now: now).refusal == .header("typ"))
  }

  /// Names are put together from single claims, so that nothing inside one can become another.
  @Test
  func noClaimSpillsIntoAnother() throws {
    let forge = try TokenForge(.github)
    let registry = try forge.registry()
    let orders = [
      // A branch that looks like the end of a subject.
      forge.order {
        $0.claims["ref"] = "refs/heads/x:environment:prod"
        $0.claims["sub"] = "repo:octo-org/octo-repo:ref:refs/heads/x:environment:prod"
        $0.claims["environment"] = nil
      },
      forge.order {
        $0.claims["sub"] = "repo:octo-org/octo-repo:environment:prod:ref:refs/heads/main"
        $0.claims["environment"] = nil
      },
    ]
    for token in try forge.make(orders) {
      let principal = try #require(registry.verify(jwt: token, now: now).verified?.principal)
      #expect(principal.environment == nil)
      #expect(principal.claims["environment"] == nil)
      #expect(principal.name == "octo-org/octo-repo")
    }
  }
}
