import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// For each preset: a genuine token passes, and each hostile variant fails for its own reason.
@Suite
struct HostileTokenTests {
  typealias Order = TokenForge.Order

  struct Variant {
    let title: String
    /// Nil when the variant is right.
    let refusal: JWTRefusal?
    let order: Order
  }

  @Test(arguments: GenuineToken.all.map(\.preset))
  func genuineTokensPass(_ preset: Preset) throws {
    let genuine = try #require(GenuineToken.all.first { $0.preset == preset })
    let forge = try TokenForge(genuine)
    let registry = try forge.registry()
    // Made by PyJWT, with both keys of the issuer.
    let tokens = try forge.oracle.ask([
      [
        "op": "jwt", "key": "es", "alg": "ES256", "claims": genuine.allClaims,
        "header": ["kid": "k-es"],
      ],
      [
        "op": "jwt", "key": "rs", "alg": "RS256", "claims": genuine.allClaims,
        "header": ["kid": "k-rs"],
      ],
    ])
    for token in tokens {
      let verified = try #require(registry.verify(jwt: token, now: now).verified)
      #expect(verified.principal.kind == .jwt)
      #expect(verified.principal.issuer == "issuer")
      #expect(verified.principal.name == genuine.name)
      #expect(verified.principal.cluster == nil)
      #expect(verified.principal.environment == genuine.environment)
      #expect(verified.principal.claims == genuine.mapped)
      #expect(verified.principal.claims.count <= 16)
      #expect(verified.expiresAt == now.adding(seconds: 600 + 60))
      #expect(verified.issuedAt == now.adding(seconds: -5))
      #expect(verified.tokenID == genuine.allClaims["jti"] as? String)
      #expect(!verified.isSingleUse)
    }
  }

  @Test(arguments: GenuineToken.all.map(\.preset))
  func hostileTokensFail(_ preset: Preset) throws {
    let genuine = try #require(GenuineToken.all.first { $0.preset == preset })
    let forge = try TokenForge(genuine)
    let registry = try forge.registry()
    let variants = Self.general(forge) + Self.time(forge) + Self.keys(forge) + Self.form(forge)
    let special = try Self.special(forge)
    let hostile = (variants + special).filter { $0.refusal != nil }
    #expect(hostile.count >= 25)
    #expect(Set(hostile.map(\.title)).count == hostile.count)
    let tokens = try forge.make((variants + special).map(\.order))
    for (variant, token) in zip(variants + special, tokens) {
      switch registry.verify(jwt: token, now: now) {
      case .accepted: #expect(variant.refusal == nil, "\(preset) \(variant.title) was accepted")
      case .refused(let refusal):
        #expect(refusal == variant.refusal, "\(preset) \(variant.title)")
      case .unknownKeyID: Issue.record("\(preset) \(variant.title): keys are pinned")
      }
    }
  }

  /// Who it is from, whom it is for, whom it is about.
  static func general(_ forge: TokenForge) -> [Variant] {
    func claim(
      _ title: String,
      _ name: String,
      _ value: Any?,
      _ refusal: JWTRefusal?
    ) -> Variant {
      Variant(
        title: title,
        refusal: refusal,
        order: forge.order { $0.claims[name] = value }
      )
    }
    let bound = GenuineToken.audience
    return [
      claim("genuine", "extra", 1, nil),
      claim("audience absent", "aud", nil, .missing("aud")),
      claim("audience empty", "aud", "", .audience),
      claim("audience other", "aud", "https://vault.example.org", .audience),
      claim("audience in capitals", "aud", bound.uppercased(), .audience),
      claim("audience with a slash", "aud", bound + "/", .audience),
      claim("audience a string", "aud", bound, nil),
      claim("audience a list", "aud", [bound], nil),
      claim("audience a list of another", "aud", ["https://vault.example.org"], .audience),
      claim("audience a list of both", "aud", [bound, "https://vault.example.org"], .audience),
      claim("audience an empty list", "aud", [String](), .audience),
      claim("audience a nested list", "aud", [[bound]], .audience),
      claim("audience a number", "aud", 7, .audience),
      claim("audience null", "aud", NSNull(), .audience),
      claim("issuer absent", "iss", nil, .missing("iss")),
      claim("issuer other", "iss", "https://evil.example.org", .unknownIssuer),
      claim("issuer with a slash", "iss", forge.genuine.url + "/", .unknownIssuer),
      claim("issuer in capitals", "iss", forge.genuine.url.uppercased(), .unknownIssuer),
      claim("issuer without TLS", "iss", "http" + forge.genuine.url.dropFirst(5), .unknownIssuer),
      claim("issuer a list", "iss", [forge.genuine.url], .claim("iss")),
      // U+212A, the Kelvin sign, equals K for a comparison of texts.
      claim("issuer with a look-alike", "iss", forge.genuine.url + "\u{212A}", .unknownIssuer),
      claim("subject absent", "sub", nil, .missing("sub")),
      claim("subject empty", "sub", "", .claim("sub")),
      claim("subject a number", "sub", 12, .claim("sub")),
      claim("subject with a line break", "sub", "a\nb", .claim("sub")),
      claim("subject with a NUL", "sub", "a\0b", .claim("sub")),
      claim("token id a number", "jti", 1, .claim("jti")),
      claim("token id absent", "jti", nil, nil),
    ]
  }

  static func time(_ forge: TokenForge) -> [Variant] {
    func times(
      _ title: String,
      _ values: [String: Any?],
      _ refusal: JWTRefusal?
    ) -> Variant {
      Variant(
        title: title,
        refusal: refusal,
        order: forge.order { order in
          for (name, value) in values { order.claims[name] = value }
        }
      )
    }
    let day: Int64 = 86_400
    return [
      times("no expiry", ["exp": nil], .missing("exp")),
      times("expired", ["exp": nowSeconds - 61, "iat": nowSeconds - 600, "nbf": nil], .expired),
      times("just expired", ["exp": nowSeconds - 60, "iat": nil, "nbf": nil], .expired),
      times("expired within the skew", ["exp": nowSeconds - 59, "iat": nil, "nbf": nil], nil),
      times("expiry 0", ["exp": 0], .expired),
      times("expiry negative", ["exp": -1], .claim("exp")),
      times("expiry a text", ["exp": "\(nowSeconds + 600)"], .claim("exp")),
      times("expiry a fraction", ["exp": Double(nowSeconds) + 600.5], .claim("exp")),
      times("expiry huge", ["exp": 9_000_000_000_000_000_000], .claim("exp")),
      times("expiry in milliseconds", ["exp": (nowSeconds + 600) * 1000], .claim("exp")),
      times("expiry null", ["exp": NSNull()], .claim("exp")),
      times("early", ["nbf": nowSeconds + 61], .notYetValid),
      times("early within the skew", ["nbf": nowSeconds + 60], nil),
      times("from the far future", ["iat": nowSeconds + 61], .issuedInFuture),
      times("from the near future", ["iat": nowSeconds + 60], nil),
      times("issued at a text", ["iat": "now"], .claim("iat")),
      times("lives too long", ["exp": nowSeconds - 5 + day + 1], .lifetime),
      times("lives a day", ["exp": nowSeconds - 5 + day], nil),
      times("lives too long without iat", ["iat": nil, "exp": nowSeconds + day + 1], .lifetime),
      times("ends before it is issued", ["iat": nowSeconds, "exp": nowSeconds - 1], .lifetime),
      times("ends before it begins", ["nbf": nowSeconds, "exp": nowSeconds - 1], .lifetime),
    ]
  }

  static func keys(_ forge: TokenForge) -> [Variant] {
    func header(
      _ title: String,
      _ refusal: JWTRefusal?,
      _ header: [String: Any],
      key: String = "es",
      sign: String = "ES256"
    ) -> Variant {
      Variant(
        title: title,
        refusal: refusal,
        order: forge.order { order in
          order.header = header
          order.key = key
          order.sign = sign
        }
      )
    }
    return [
      header("RSA", nil, ["alg": "RS256", "kid": "k-rs"], key: "rs", sign: "RS256"),
      header("none", .algorithm, ["alg": "none", "kid": "k-es"], sign: "none"),
      header("None", .algorithm, ["alg": "None"], sign: "none"),
      header("none with a signature", .algorithm, ["alg": "none", "kid": "k-es"]),
      header("no algorithm", .algorithm, ["kid": "k-es"]),
      header("algorithm a number", .algorithm, ["alg": 256, "kid": "k-es"]),
      header(
        "HMAC with the public RSA key as PEM",
        .algorithm,
        ["alg": "HS256", "kid": "k-rs"],
        key: "rs",
        sign: "hmac-pem"
      ),
      header(
        "HMAC with the public RSA key as DER",
        .algorithm,
        ["alg": "HS256", "kid": "k-rs"],
        key: "rs",
        sign: "hmac-der"
      ),
      header(
        "HMAC with an empty key",
        .algorithm,
        ["alg": "HS256", "kid": "k-rs"],
        key: "rs",
        sign: "hmac-empty"
      ),
      header(
        "HMAC that calls itself RS256",
        .signature,
        ["alg": "RS256", "kid": "k-rs"],
        key: "rs",
        sign: "hmac-pem"
      ),
      header("the algorithm of another key", .algorithm, ["alg": "RS256", "kid": "k-es"]),
      header(
        "not the algorithm of the key set",
        .algorithm,
        ["alg": "PS256", "kid": "k-rs"],
        key: "rs",
        sign: "PS256"
      ),
      header("another curve's algorithm", .algorithm, ["alg": "ES384", "kid": "k-es"]),
      header("lower-case algorithm", .algorithm, ["alg": "es256", "kid": "k-es"]),
      header("a key of nobody", .signature, ["alg": "ES256", "kid": "k-es"], key: "other"),
      header("DER signature", .signature, ["alg": "ES256", "kid": "k-es"], sign: "der"),
      header("no signature", .signature, ["alg": "ES256", "kid": "k-es"], sign: "none"),
      header("no key id", .noKeyID, ["alg": "ES256"]),
      header("unknown key id", .unknownKey, ["alg": "ES256", "kid": "k-2"]),
      header("key id in capitals", .unknownKey, ["alg": "ES256", "kid": "K-ES"]),
      header("traversing key id", .unknownKey, ["alg": "ES256", "kid": "../../../etc/passwd"]),
      header("injected key id", .unknownKey, ["alg": "ES256", "kid": "k' OR '1'='1"]),
      header("command key id", .unknownKey, ["alg": "ES256", "kid": "|curl evil.example.org"]),
      header("URL as key id", .unknownKey, ["alg": "ES256", "kid": "https://evil.example.org"]),
      header("key id with a NUL", .header("kid"), ["alg": "ES256", "kid": "k-es\0"]),
      header("key id a look-alike", .header("kid"), ["alg": "ES256", "kid": "\u{212A}-es"]),
      header("key id empty", .header("kid"), ["alg": "ES256", "kid": ""]),
      header("key id a number", .header("kid"), ["alg": "ES256", "kid": 0]),
      header("key id a list", .header("kid"), ["alg": "ES256", "kid": ["k-es"]]),
    ]
  }

  static func form(_ forge: TokenForge) -> [Variant] {
    func header(_ name: String, _ value: Any, _ refusal: JWTRefusal?) -> Variant {
      Variant(
        title: "header \(name) \(value)",
        refusal: refusal,
        order: forge.order { $0.header[name] = value }
      )
    }
    func payload(_ title: String, _ refusal: JWTRefusal, _ text: String) -> Variant {
      Variant(
        title: title,
        refusal: refusal,
        order: forge.order { $0.payload = Array(text.utf8) }
      )
    }
    func change(
      _ title: String,
      _ refusal: JWTRefusal,
      _ change: @escaping (String) -> String
    ) -> Variant {
      Variant(title: title, refusal: refusal, order: forge.order { $0.change = change })
    }
    let claims = (try? json(forge.genuine.allClaims)) ?? ""
    let doubled = String(claims.dropLast()) + ",\"aud\":\"\(GenuineToken.audience)\"}"
    let escaped = String(claims.dropLast()) + ",\"\\u0061ud\":\"\(GenuineToken.audience)\"}"
    let deep =
      "{\"a\":" + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}"
    return [
      header("crit", ["exp"], .header("crit")),
      header("crit", ["http://example.org/unknown"], .header("crit")),
      header("crit", [String](), .header("crit")),
      header("b64", false, .header("b64")),
      header("jku", "https://evil.example.org/keys", .header("jku")),
      header("x5u", "https://evil.example.org/certificate", .header("x5u")),
      header("x5c", ["MIIB"], .header("x5c")),
      header("jwk", ["kty": "EC"], .header("jwk")),
      header("zip", "DEF", .header("zip")),
      header("cty", "JWT", .header("cty")),
      header("typ", "at+jwt", .header("typ")),
      header("typ", "logout+jwt", .header("typ")),
      header("typ", 1, .header("typ")),
      header("typ", "jwt", nil),
      header("unknown", "text", nil),
      Variant(
        title: "doubled algorithm",
        refusal: .malformed("header has a field twice"),
        order: forge.order {
          $0.headerText = "{\"alg\":\"none\",\"kid\":\"k-es\",\"alg\":\"ES256\"}"
        }
      ),
      Variant(
        title: "header not an object",
        refusal: .malformed("header is not an object"),
        order: forge.order { $0.headerText = "[]" }
      ),
      payload("doubled claim", .malformed("claims has a field twice"), doubled),
      payload("doubled claim in disguise", .malformed("claims has a field twice"), escaped),
      payload("claims a list", .malformed("claims is not an object"), "[]"),
      payload("claims a text", .malformed("claims is not an object"), "\"x\""),
      payload("claims empty", .malformed("claims is not an object"), ""),
      payload(
        "claims too deep",
        .malformed("claims is nested more than 32 levels deep"),
        deep
      ),
      payload("claims with an end", .malformed("claims goes on after its end"), claims + "{}"),
      Variant(
        title: "claims not UTF-8",
        refusal: .malformed("claims has text that is not UTF-8"),
        order: forge.order { $0.payload = Array("{\"a\":\"".utf8) + [0xff] + Array("\"}".utf8) }
      ),
      payload(
        "claims with a lone surrogate",
        .malformed("claims has a lone surrogate"),
        "{\"a\":\"\\ud800\"}"
      ),
      Variant(
        title: "oversized",
        refusal: .tooLong,
        order: forge.order { $0.claims["pad"] = String(repeating: "x", count: 13_000) }
      ),
      change("two parts", .malformed("not three parts")) { token in
        token.split(separator: ".").dropLast().joined(separator: ".")
      },
      change("four parts", .malformed("not three parts")) { $0 + "." },
      change("five parts", .malformed("not three parts")) { $0 + ".." },
      change("empty", .malformed("not three parts")) { _ in "" },
      change("white space before", .malformed("a part is not base64url")) { " " + $0 },
      change("line break behind", .malformed("a part is not base64url")) { $0 + "\n" },
      change("padding", .malformed("a part is not base64url")) { $0 + "==" },
      change("other alphabet", .malformed("a part is not base64url")) { $0.dropLast() + "+" },
      // 64 bytes leave four bits of the last digit unused.
      change("stray bits", .malformed("a part is not base64url")) { token in
        token.dropLast() + (token.last == "A" || token.last == "Q" ? "B" : "x")
      },
      change("signature cut", .signature) { String($0.dropLast(2)) },
      change("signature and more", .signature) { token in
        token.dropLast(2) + "AAAAAA"
      },
      change("payload changed", .signature) { token in
        let parts = token.split(separator: ".")
        let changed = "eyJpc3MiOiJ4IiwiYXVkIjoieSJ9"
        return parts.count == 3 ? "\(parts[0]).\(changed).\(parts[2])" : token
      },
    ].map { variant in
      // A payload that is changed names another issuer, which is what is seen first.
      variant.title == "payload changed"
        ? Variant(title: variant.title, refusal: .unknownIssuer, order: variant.order) : variant
    }
  }
}
