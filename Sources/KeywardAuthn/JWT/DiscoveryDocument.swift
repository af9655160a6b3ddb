import KeywardModel

/// The document by which an issuer says where its keys are (OpenID Connect Discovery 1.0 §4).
package enum DiscoveryDocument {
  /// Where the document of `issuer` is.
  package static func url(of issuer: String) -> String {
    (issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer)
      + "/.well-known/openid-configuration"
  }

  /// The https URL of the key set; the document must be the issuer's own, by its exact `issuer`.
  package static func keySetURL(
    _ bytes: [UInt8],
    issuer: String
  ) throws(AuthnError) -> String {
    guard bytes.count <= 65_536 else {
      throw AuthnError("The discovery document is longer than 64 KiB.")
    }
    let object: JSONObject
    do {
      object = try StrictJSON.object(bytes)
    } catch {
      throw AuthnError("The discovery document \(error.reason) at byte \(error.offset).")
    }
    guard let named = object["issuer"]?.text, FieldRules.isSame(named, issuer) else {
      throw AuthnError("The discovery document is of another issuer.")
    }
    guard let url = object["jwks_uri"]?.text, FieldRules.isPlainHTTPS(url) else {
      throw AuthnError("The discovery document has no https URL in 'jwks_uri'.")
    }
    return url
  }
}
