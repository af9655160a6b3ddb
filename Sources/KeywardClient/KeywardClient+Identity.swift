package import KeywardModel

extension KeywardClient {
  package func whoAmI() throws(ClientError) -> OwnIdentity {
    try get(Query("/api/v1/auth/self"))
  }

  package func renewOwnToken(increment: Int64?) throws(ClientError) -> TokenInfo {
    try post(Query("/api/v1/auth/self:renew").adding("increment", increment))
  }

  package func revokeOwnToken() throws(ClientError) -> TokenInfo {
    try post(Query("/api/v1/auth/self:revoke"))
  }

  package func createToken(_ request: TokenRequest) throws(ClientError) -> IssuedToken {
    try post(Query("/api/v1/auth/tokens"), json: request)
  }

  package func listTokens(limit: Int, cursor: String?) throws(ClientError) -> TokenPage {
    try get(Query("/api/v1/auth/tokens").adding("limit", limit).adding("cursor", cursor))
  }

  package func showToken(_ accessor: PathSegment) throws(ClientError) -> TokenInfo {
    try get(Query("/api/v1/auth/tokens/\(accessor)"))
  }

  package func renewToken(
    _ accessor: PathSegment,
    increment: Int64?
  ) throws(ClientError) -> TokenInfo {
    try post(Query("/api/v1/auth/tokens/\(accessor):renew").adding("increment", increment))
  }

  package func revokeToken(_ accessor: PathSegment) throws(ClientError) -> TokenInfo {
    try post(Query("/api/v1/auth/tokens/\(accessor):revoke"))
  }
}

/// A text that can stand in a path as it is: letters, digits and `-`.
package struct PathSegment: Sendable, CustomStringConvertible {
  package let description: String

  /// Takes 1 to 64 such characters, else nil.
  package init?(_ text: String) {
    guard (1...64).contains(text.utf8.count),
      text.utf8.allSatisfy({
        (48...57).contains($0) || (97...122).contains($0 | 0x20) || $0 == UInt8(ascii: "-")
      })
    else { return nil }
    description = text
  }
}
