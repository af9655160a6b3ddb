package import KeywardModel

/// One registration of an issuer: its name, its `iss`, and the cluster that it belongs to.
package struct IssuerID: Hashable, Sendable, CustomStringConvertible {
  package let cluster: RegistryName?
  package let name: RegistryName
  package let url: String

  package init(cluster: RegistryName?, name: RegistryName, url: String) {
    self.cluster = cluster
    self.name = name
    self.url = url
  }

  package var description: String {
    (cluster.map { "\($0)/" } ?? "") + "\(name) (\(url))"
  }
}

/// What a JWT turned out to be.
package enum JWTOutcome: Sendable {
  case accepted(VerifiedJWT)
  /// No key of these issuers has the token's `kid`, and their keys can be fetched.
  ///
  /// Fetch each once, as ``KeySetFreshness`` allows, and ask again; then it is a refusal.
  case unknownKeyID([IssuerID])
  case refused(JWTRefusal)
}

/// A JWT that holds: whose, and how long.
package struct VerifiedJWT: Hashable, Sendable {
  package let principal: Principal
  package let issuer: IssuerID
  package let issuedAt: Timestamp?
  /// The first moment at which it does not hold any more, with the skew: no token that is made for it
  /// may live longer.
  package let expiresAt: Timestamp
  /// The `jti`, if it has one.
  package let tokenID: String?
  /// Whether it may be taken only once; then ``tokenID`` and ``issuedAt`` are there, and
  /// ``ReplayCache`` has the word.
  package let isSingleUse: Bool
}
