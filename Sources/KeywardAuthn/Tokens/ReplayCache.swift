import KeywardCrypto
package import KeywardModel

/// Remembers which tokens have been taken, for issuers whose tokens are taken once.
///
/// In memory, bounded, and closed when in doubt: what was issued before the cache began may have been
/// taken before a restart, and when it is full nothing more is taken until something ends.
package struct ReplayCache: Sendable {
  package enum Decision: Hashable, Sendable {
    case fresh
    case replayed
    /// Issued before the cache began.
    case tooOld
    case full
  }

  package static let mostTokens = 100_000

  private let begin: Timestamp
  private let limit: Int
  /// When each token ends, by a digest of its issuer and `jti`.
  private var ends: [[UInt8]: Timestamp] = [:]
  private var nextSweep: Timestamp

  package init(begin: Timestamp, limit: Int = ReplayCache.mostTokens) {
    self.begin = begin
    self.limit = limit
    nextSweep = begin.adding(seconds: 60)
  }

  package var count: Int { ends.count }

  /// Takes a token, once; a token that may be taken often is always fresh.
  package mutating func take(_ token: VerifiedJWT, now: Timestamp) -> Decision {
    guard token.isSingleUse else { return .fresh }
    guard let tokenID = token.tokenID, let issuedAt = token.issuedAt else { return .replayed }
    // The issuer's clock may be ahead by the skew, so that much more is in doubt: also a token that
    // is of the future by it may have been taken before the cache began.
    guard issuedAt >= begin.adding(seconds: JWTClaims.skew) else { return .tooOld }
    var writer = RecordWriter("keyward/jti/1")
    writer.add(optional: token.issuer.cluster?.description)
    writer.add(token.issuer.name.description)
    writer.add(token.issuer.url)
    writer.add(tokenID)
    let digest = Digest.sha256(writer.bytes)
    if now >= nextSweep || ends.count >= limit {
      ends = ends.filter { $0.value > now }
      nextSweep = now.adding(seconds: 60)
    }
    guard ends[digest] == nil else { return .replayed }
    guard ends.count < limit else { return .full }
    ends[digest] = token.expiresAt
    return .fresh
  }
}
