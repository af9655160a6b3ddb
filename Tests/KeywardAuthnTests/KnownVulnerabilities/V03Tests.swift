import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// Conjur CVE-2025-49827, CVE-2025-49831: a request says which server is asked about it.
///
/// This target has no way to open a connection. What it can do is name an issuer whose keys are to be
/// fetched, and that is always a registered one, at its registered place.
@Suite
struct V03Tests {
  static let evil = "https://evil.example.org"

  @Test
  func aTokenNeverChoosesItsJudge() throws {
    let forge = try TokenForge(.gitlab)
    var document = forge.genuine.document(name: "issuer", keySet: forge.keySetText)
    document.keySet = nil
    document.keySetURL = "https://gitlab.example.org/oauth/discovery/keys"
    let record = try IssuerRecord(document)
    let id = IssuerID(cluster: nil, name: record.name, url: record.url)
    let keys = try JSONWebKeySet(Array(forge.keySetText.utf8))
    let registry = try registry(.putIssuer(record)).with(keys, for: id)
    var orders: [TokenForge.Order] = []
    for name in ["jku", "x5u", "jwk", "x5c", "iss", "url", "kid"] {
      for value in [Self.evil, "http://169.254.169.254/", "file:///etc/passwd", "//evil/"] {
        orders.append(forge.order { $0.header[name] = value })
      }
    }
    for claim in ["iss", "jku", "jwks_uri", "azp", "client_id", "aud"] {
      orders.append(forge.order { $0.claims[claim] = Self.evil })
    }
    var fetches = 0
    for token in try forge.make(orders) {
      switch registry.verify(jwt: token, now: now) {
      case .unknownKeyID(let ids):
        #expect(ids == [id])
        fetches += 1
      case .accepted(let verified): #expect(verified.issuer == id)
      case .refused: break
      }
    }
    // The four values of `kid`.
    #expect(fetches == 4)
    #expect(registry.remoteIssuers.map(\.id) == [id])
    #expect(
      registry.remoteIssuers.map(\.source)
        == [.url("https://gitlab.example.org/oauth/discovery/keys")]
    )
  }

  /// However many tokens with invented key ids come, the keys are fetched once in 30 seconds.
  @Test
  func inventedKeyIDsCauseFewFetches() {
    var freshness = KeySetFreshness()
    var fetches = 0
    for step in 0..<100_000 {
      let time = Timestamp(milliseconds: now.milliseconds + Int64(step))
      if freshness.unknownKey(now: time) {
        fetches += 1
        freshness.fetched(now: time)
      }
    }
    #expect(fetches == 4)
  }

  /// A discovery document speaks for its own issuer alone, and leads to https alone.
  @Test(arguments: [
    (#"{"issuer":"https://a.example.org","jwks_uri":"https://a.example.org/keys"}"#, true),
    (#"{"issuer":"https://a.example.org","jwks_uri":"https://keys.example.com/a"}"#, true),
    (#"{"issuer":"https://a.example.org/","jwks_uri":"https://a.example.org/keys"}"#, false),
    (#"{"issuer":"https://b.example.org","jwks_uri":"https://a.example.org/keys"}"#, false),
    (#"{"jwks_uri":"https://a.example.org/keys"}"#, false),
    (#"{"issuer":"https://a.example.org"}"#, false),
    (#"{"issuer":"https://a.example.org","jwks_uri":"http://a.example.org/keys"}"#, false),
    (#"{"issuer":"https://a.example.org","jwks_uri":"file:///keys"}"#, false),
    (#"{"issuer":"https://a.example.org","jwks_uri":"https://u@a.example.org/keys"}"#, false),
    (#"{"issuer":"https://a.example.org","jwks_uri":["https://a.example.org/keys"]}"#, false),
    (#"{"issuer":"https://a.example.org","issuer":"x","jwks_uri":"https://a.b/k"}"#, false),
  ])
  func discoveryDocuments(_ text: String, _ isTaken: Bool) {
    let url = try? DiscoveryDocument.keySetURL(
      Array(text.utf8),
      issuer: "https://a.example.org"
    )
    #expect((url != nil) == isTaken)
  }

  @Test
  func discoveryBeginsAtTheIssuer() {
    for issuer in ["https://a.example.org/x", "https://a.example.org/x/"] {
      #expect(
        DiscoveryDocument.url(of: issuer)
          == "https://a.example.org/x/.well-known/openid-configuration"
      )
    }
  }
}
