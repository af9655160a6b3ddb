import KeywardModel

/// The claims of a token whose signature holds, with the rules for time and audience (RFC 7519 §4.1).
struct JWTClaims {
  /// How far the clocks of an issuer and of the server may be apart, in seconds.
  static let skew: Int64 = 60

  let object: JSONObject

  init(_ payload: [UInt8]) throws(JWTRefusal) {
    object = try CompactJWS.object(payload, "claims")
  }

  /// The text of a claim that must be there.
  func text(_ name: String) throws(JWTRefusal) -> String {
    guard let value = object[name] else { throw .missing(name) }
    guard let text = value.text, !text.isEmpty else { throw .claim(name) }
    return text
  }

  /// Takes a token only if each audience that it names is bound.
  ///
  /// RFC 7519 asks for one of them; but what another service takes as well, that service can present
  /// here (V01).
  func checkAudience(_ bound: [String]) throws(JWTRefusal) {
    guard let value = object["aud"] else { throw .missing("aud") }
    let named: [JSONValue]
    switch value {
    case .string: named = [value]
    case .array(let list): named = list
    default: throw .audience
    }
    guard (1...16).contains(named.count) else { throw .audience }
    for audience in named {
      guard let text = audience.text, bound.contains(where: { FieldRules.isSame($0, text) }) else {
        throw .audience
      }
    }
  }

  /// When a token was issued, and the first moment at which it does not hold any more.
  struct Life {
    let issuedAt: Timestamp?
    let expiresAt: Timestamp
  }

  /// Checks `exp`, `nbf` and `iat` at `now`.
  func life(at now: Timestamp, longest: Int64) throws(JWTRefusal) -> Life {
    guard let expiry = try seconds("exp") else { throw .missing("exp") }
    let start = try seconds("nbf")
    let issued = try seconds("iat")
    let end = Timestamp(milliseconds: (expiry + Self.skew) * 1000)
    guard now < end else { throw .expired }
    let latestStart = now.adding(seconds: Self.skew)
    if let start {
      guard Timestamp(milliseconds: start * 1000) <= latestStart else { throw .notYetValid }
      guard start < expiry else { throw .lifetime }
    }
    if let issued {
      guard Timestamp(milliseconds: issued * 1000) <= latestStart else { throw .issuedInFuture }
      guard issued < expiry, expiry - issued <= longest else { throw .lifetime }
    } else {
      // Without `iat` the rest of its life is all that is known of it.
      guard end <= now.adding(seconds: longest + Self.skew) else { throw .lifetime }
    }
    return Life(
      issuedAt: issued.map { Timestamp(milliseconds: $0 * 1000) },
      expiresAt: end
    )
  }

  /// A NumericDate in whole seconds up to the year 9999; nil when it is absent.
  private func seconds(_ name: String) throws(JWTRefusal) -> Int64? {
    guard let value = object[name] else { return nil }
    guard let number = value.integer, (0...253_402_300_799).contains(number) else {
      throw .claim(name)
    }
    return number
  }
}
