import KeywardAuthn
import KeywardModel
import KeywardStore

/// Access tokens and secret ids; a value.
struct CredentialBook: Sendable {
  private(set) var tokens: [CredentialDigest: TokenRecord] = [:]
  private var tokenDigests: [Accessor: CredentialDigest] = [:]
  /// Looked up in the same time whether a secret id is there or not (V10).
  private(set) var secretIDs = DigestIndex<SecretIDRecord>()
  /// Tokens in the order of accessors, made when a page is asked for.
  private var order: [Accessor]?

  mutating func put(_ token: TokenRecord) {
    if tokens.updateValue(token, forKey: token.digest) == nil { order = nil }
    tokenDigests[token.accessor] = token.digest
  }

  mutating func put(_ secretID: SecretIDRecord) {
    secretIDs.insert(secretID.digest, secretID)
  }

  mutating func remove(_ token: TokenRecord) {
    tokens[token.digest] = nil
    tokenDigests[token.accessor] = nil
    order = nil
  }

  mutating func remove(_ secretID: SecretIDRecord) {
    secretIDs.remove(secretID.digest)
  }

  subscript(_ accessor: Accessor) -> TokenRecord? {
    tokenDigests[accessor].flatMap { tokens[$0] }
  }

  /// Tokens after `accessor` in the order of accessors, at most `limit`, and whether there are more.
  mutating func page(
    after accessor: String?,
    limit: Int
  ) -> (tokens: [TokenRecord], hasMore: Bool) {
    let all = order ?? tokenDigests.keys.sorted()
    order = all
    let start =
      accessor.map { text in
        all.firstIndex { $0.description > text } ?? all.endIndex
      } ?? all.startIndex
    let page = all[start...].prefix(limit)
    return (page.compactMap { self[$0] }, start + page.count < all.count)
  }

  /// What does not hold any more at `now`, at most `limit` of each.
  func expired(at now: Timestamp, limit: Int) -> Expired {
    Expired(
      tokens: Array(tokens.values.lazy.filter { !$0.holds(at: now) }.prefix(limit)),
      secretIDs: Array(secretIDs.values.lazy.filter { !$0.holds(at: now) }.prefix(limit))
    )
  }

  struct Expired: Sendable {
    let tokens: [TokenRecord]
    let secretIDs: [SecretIDRecord]

    var count: Int { tokens.count + secretIDs.count }
  }
}

extension TokenRecord {
  /// As the store keeps it.
  var stored: StoredRecord {
    StoredRecord(kind: .token, id: accessor.description, body: encoded)
  }
}

extension SecretIDRecord {
  /// As the store keeps it.
  var stored: StoredRecord {
    StoredRecord(kind: .secretID, id: accessor.description, body: encoded)
  }
}
