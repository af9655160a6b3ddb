/// Why a JWT is not taken: for the server's log, never for the client, who hears one answer for all.
///
/// Names of claims and header parameters, never their values.
package enum JWTRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// More than 16 KiB.
  case tooLong
  /// Not three parts of base64url with JSON objects in the first two.
  case malformed(String)
  /// A header parameter that is not taken: `crit`, `jwk`, `jku`, `x5u`, `x5c`, `b64` and so on.
  case header(String)
  /// An `alg` that is not offered, or not the one of the key.
  case algorithm
  /// No issuer is registered with this `iss`.
  case unknownIssuer
  /// No `kid` although the issuer has several keys.
  case noKeyID
  /// No key of the issuer has this `kid`, and the issuer's keys are pinned.
  case unknownKey
  /// The issuer's keys have not been fetched, or are too old to be used.
  case noKeys
  case signature
  /// Keys of two clusters verify it, so that it says nothing about either.
  case ambiguous
  case missing(String)
  /// An audience is named that is not bound.
  case audience
  case expired
  case notYetValid
  /// `iat` is ahead of the clock by more than the skew.
  case issuedInFuture
  /// `exp` is further from `iat` than the issuer's record allows, or not after `nbf` and `iat`.
  case lifetime
  /// A claim that does not have the form, or does not fit another claim of the same token.
  case claim(String)

  package var description: String {
    switch self {
    case .tooLong: "longer than 16 KiB"
    case .malformed(let what): "malformed: \(what)"
    case .header(let name): "header parameter '\(name)' is not taken"
    case .algorithm: "the algorithm is not the key's"
    case .unknownIssuer: "no such issuer"
    case .noKeyID: "no 'kid', and the issuer has several keys"
    case .unknownKey: "no such key"
    case .noKeys: "the issuer's keys are not at hand"
    case .signature: "the signature does not verify"
    case .ambiguous: "two registrations share the key"
    case .missing(let name): "claim '\(name)' is missing"
    case .audience: "the audience is not bound"
    case .expired: "expired"
    case .notYetValid: "not yet valid"
    case .issuedInFuture: "issued in the future"
    case .lifetime: "lives too long"
    case .claim(let name): "claim '\(name)' is not as it must be"
    }
  }
}
