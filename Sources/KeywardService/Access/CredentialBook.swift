import KeywardAuthn
import KeywardModel
import KeywardStore

/// Access tokens and secret ids; a value.
struct CredentialBook: Sendable {
  /// The most tokens of one identity, and of all.
  static let mostOwn = 1_000
  static let most = 200_000

  /// What makes an identity the one it is.
  private struct IdentityName: Hashable, Sendable {
    let kind: Principal.Kind
    let issuer: String
    let name: String
    let cluster: String?

    init(_ principal: Principal) {
      kind = principal.kind
      issuer = principal.issuer
      name = principal.name
      cluster = principal.cluster
    }
  }

  private(set) var tokens: [CredentialDigest: TokenRecord] = [:]
  private var tokenDigests: [Accessor: CredentialDigest] = [:]
  /// Looked up in the same time whether a secret id is there or not (V10).
  private(set) var secretIDs = DigestIndex<SecretIDRecord>()
  /// How many tokens each identity has.
  private var counts: [IdentityName: Int] = [:]
  /// Tokens in the order of accessors, made when a page is asked for.
  private var order: [Accessor]?

  mutating func put(_ token: TokenRecord) {
    if tokens.updateValue(token, forKey: token.digest) == nil {
      order = nil
      counts[IdentityName(token.principal), default: 0] += 1
    }
    tokenDigests[token.accessor] = token.digest
  }

  mutating func put(_ secretID: SecretIDRecord) {
    secretIDs.insert(secretID.digest, secretID)
  }

  mutating func remove(_ token: TokenRecord) {
    if tokens.removeValue(forKey: token.digest) != nil {
      let name = IdentityName(token.principal)
      counts[name] = counts[name].flatMap { $0 > 1 ? $0 - 1 : nil }
    }
    tokenDigests[token.accessor] = nil
    order = nil
  }

  mutating func remove(_ secretID: SecretIDRecord) {
    secretIDs.remove(secretID.digest)
  }

  /// Whether one more token of `principal` may be made.
  func hasRoom(for principal: Principal) -> Bool {
    tokens.count < Self.most && (counts[IdentityName(principal)] ?? 0) < Self.mostOwn
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

  /// A token with all that were made with it, directly or not.
  func family(of token: TokenRecord) -> [TokenRecord] {
    let children = Dictionary(
      grouping: tokens.values.lazy.filter { $0.parent != nil },
      by: { $0.parent }
    )
    var family = [token]
    var index = 0
    while index < family.count {
      family += children[family[index].accessor] ?? []
      index += 1
    }
    return family
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
