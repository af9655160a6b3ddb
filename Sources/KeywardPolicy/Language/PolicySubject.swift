package import KeywardModel

/// A set of principals: all that match every field that is given.
package struct PolicySubject: Hashable, Sendable {
  /// A literal, or `*`: any value that is there.
  package enum Match: Hashable, Sendable {
    case literal(String)
    case present

    func matches(_ value: String?) -> Bool {
      guard let value else { return false }
      return switch self {
      case .literal(let literal): value.isExactly(literal)
      case .present: true
      }
    }
  }

  package let issuer: Match
  /// Nil is any name.
  package let name: NamePattern?
  package let cluster: Match?
  package let environment: Match?
  package let kind: Principal.Kind?

  package init(
    issuer: Match,
    name: NamePattern? = nil,
    cluster: Match? = nil,
    environment: Match? = nil,
    kind: Principal.Kind? = nil
  ) {
    self.issuer = issuer
    self.name = name
    self.cluster = cluster
    self.environment = environment
    self.kind = kind
  }

  /// Whether `principal` is one of them; the server itself and who proved no identity never are.
  package func matches(_ principal: Principal) -> Bool {
    guard principal.isNameable, issuer.matches(principal.issuer) else { return false }
    if let name, !name.matches(principal.name) { return false }
    if let cluster, !cluster.matches(principal.cluster) { return false }
    if let environment, !environment.matches(principal.environment) { return false }
    if let kind, kind != principal.kind { return false }
    return true
  }
}

extension Principal {
  /// Whether documents can be about this principal.
  ///
  /// Nobody and the server are out of their reach: nobody has no rights to give or take, and a
  /// forbid for everybody must not keep the server from starting.
  package var isNameable: Bool { kind != .server && kind != .anonymous }
}
