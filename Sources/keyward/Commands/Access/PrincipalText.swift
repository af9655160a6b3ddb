import KeywardModel

/// Identities and tokens in the form for people.
enum PrincipalText {
  /// `issuer/name`, with the cluster where there is one.
  static func short(_ principal: PrincipalInfo) -> String {
    let identity = Table.printable("\(principal.issuer)/\(principal.name)")
    return principal.cluster.map { "\(identity) of \(Table.printable($0))" } ?? identity
  }

  static func pairs(_ principal: PrincipalInfo) -> [(String, String?)] {
    [
      ("Identity", "\(principal.issuer)/\(principal.name)"),
      ("Kind", principal.kind.rawValue),
      ("Cluster", principal.cluster),
      ("Environment", principal.environment),
    ]
      + principal.claims.sorted { $0.key < $1.key }.map { ("Claim \($0.key)", $0.value) }
  }
}

enum TokenText {
  static func details(_ token: TokenInfo) -> String {
    Table.pairs(PrincipalText.pairs(token.principal) + pairs(token))
  }

  static func pairs(_ token: TokenInfo) -> [(String, String?)] {
    [
      ("Accessor", token.accessor),
      ("Created", token.createdAt),
      ("Expires", token.expiresAt),
      ("Renewable until", token.renewable ? token.maximumExpiresAt : "not renewable"),
      ("Uses left", token.usesLeft.map(String.init)),
      ("Networks", token.networks.isEmpty ? nil : token.networks.joined(separator: ", ")),
      ("Certificate", token.certificateSHA256),
    ]
  }

  static func list(_ tokens: [TokenInfo]) -> String {
    guard !tokens.isEmpty else { return "No tokens." }
    var table = Table(["ACCESSOR", "IDENTITY", "EXPIRES", "USES LEFT"])
    for token in tokens {
      table.add([
        token.accessor, PrincipalText.short(token.principal), token.expiresAt,
        token.usesLeft.map(String.init) ?? "any",
      ])
    }
    return table.text
  }
}
