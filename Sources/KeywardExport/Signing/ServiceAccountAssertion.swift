import Glibc
import KeywardCrypto
import KeywardModel

/// The JWT by which a service account asks for a token (RFC 7523 §3, RS256).
enum ServiceAccountAssertion {
  /// Good for 10 minutes from a minute before `moment`: clocks differ.
  static func make(
    _ account: GoogleServiceAccount,
    scope: String,
    at moment: Timestamp
  ) throws(CryptoError) -> SecretBytes {
    let issued = moment.milliseconds / 1000 - 60
    let header = JSONText.object([
      ("alg", .string("RS256")), ("typ", .string("JWT")), ("kid", .string(account.privateKeyID)),
    ])
    let claims = JSONText.object([
      ("iss", .string(account.clientEmail)), ("scope", .string(scope)),
      ("aud", .string(account.tokenURL)), ("iat", .integer(issued)),
      ("exp", .integer(issued + 660)),
    ])
    let signed = Base64.encodeURL(header.bytes) + "." + Base64.encodeURL(claims.bytes)
    // Header and claims are known to anyone; it is the signature that gets a token.
    var signature = try account.privateKey.sign(.rsaPKCS1(.sha256), Array(signed.utf8))
    defer {
      signature.withUnsafeMutableBytes { bytes in
        if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
      }
    }
    var text = try SecretWriter(capacity: signed.utf8.count + 1 + signature.count * 2)
    try text.append(Array(signed.utf8))
    try text.append(".")
    var kept = try SecretBytes(count: signature.count)
    kept.withUnsafeMutableBytes { $0.copyBytes(from: signature) }
    try text.appendBase64(kept, .url)
    return try text.finish()
  }
}
