import KeywardCrypto
package import KeywardModel

extension Registry {
  /// Verifies a JWT at `now` and says whose it is.
  ///
  /// Several registrations may have its `iss`, such as 50 clusters that all call themselves
  /// `https://kubernetes.default.svc`: the one whose key verifies is the one whose token it is.
  package func verify(jwt text: String, now: Timestamp) -> JWTOutcome {
    do throws(JWTRefusal) {
      let jws = try CompactJWS(text)
      let claims = try JWTClaims(jws.payload)
      let url = try claims.text("iss")
      let candidates = (issuersByURL[Array(url.utf8)] ?? []).map { issuers[$0] }
      guard !candidates.isEmpty else { throw JWTRefusal.unknownIssuer }
      guard let entry = try issuer(of: jws, candidates) else {
        return .unknownKeyID(candidates.filter { $0.isRemote && $0.lacks(jws.keyID) }.map(\.id))
      }
      return .accepted(try accept(claims, entry, now))
    } catch {
      return .refused(error)
    }
  }

  /// The candidate whose key verifies; nil when keys should be fetched first.
  private func issuer(
    of jws: CompactJWS,
    _ candidates: [IssuerEntry]
  ) throws(JWTRefusal) -> IssuerEntry? {
    var found: IssuerEntry?
    var refusal: JWTRefusal?
    for entry in candidates {
      guard let key = entry.keySet?.key(jws.keyID) else { continue }
      guard key.takes(jws.algorithm) else {
        refusal = refusal ?? .algorithm
        continue
      }
      guard
        key.publicKey.verify(jws.algorithm.scheme, jws.signed, signature: jws.signature)
      else {
        refusal = .signature
        continue
      }
      guard found == nil, !sharedKeys.contains(key.fingerprint) else { throw .ambiguous }
      found = entry
    }
    if let found { return found }
    if candidates.contains(where: { $0.isRemote && $0.lacks(jws.keyID) }) { return nil }
    if let refusal { throw refusal }
    throw candidates.allSatisfy { $0.keySet == nil }
      ? .noKeys : jws.keyID == nil ? .noKeyID : .unknownKey
  }

  private func accept(
    _ claims: JWTClaims,
    _ entry: IssuerEntry,
    _ now: Timestamp
  ) throws(JWTRefusal) -> VerifiedJWT {
    let record = entry.record
    try claims.checkAudience(record.audiences)
    let life = try claims.life(at: now, longest: record.maximumLifetime)
    var tokenID: String?
    if let value = claims.object["jti"] {
      guard let text = value.text, FieldRules.isPlainText(text, atMost: 256) else {
        throw .claim("jti")
      }
      tokenID = text
    }
    if record.isSingleUse {
      guard tokenID != nil else { throw .missing("jti") }
      guard life.issuedAt != nil else { throw .missing("iat") }
    }
    let identity = try record.preset.identity(claims, record)
    return VerifiedJWT(
      principal: Principal(
        kind: .jwt,
        issuer: record.name.description,
        name: identity.name,
        cluster: entry.cluster?.description,
        environment: entry.environment ?? identity.environment,
        claims: identity.claims
      ),
      issuer: entry.id,
      issuedAt: life.issuedAt,
      expiresAt: life.expiresAt,
      tokenID: tokenID,
      isSingleUse: record.isSingleUse
    )
  }
}

extension IssuerEntry {
  /// Whether fetching the keys anew could bring the key with this `kid`.
  fileprivate func lacks(_ keyID: String?) -> Bool {
    guard let keySet else { return true }
    return keyID != nil && keySet.key(keyID) == nil
  }
}
