package import KeywardModel

/// What policy can ask about a principal.
package enum PolicyAttribute: Hashable, Comparable, Sendable, CustomStringConvertible {
  case cluster
  case environment
  case issuer
  case kind
  case name
  /// A claim that the issuer's registration lets through.
  case claim(String)

  /// Takes `cluster`, `environment`, `issuer`, `kind`, `name` or `claim:NAME`, else nil.
  package init?(_ text: String) {
    switch text {
    case "cluster": self = .cluster
    case "environment": self = .environment
    case "issuer": self = .issuer
    case "kind": self = .kind
    case "name": self = .name
    default:
      guard text.hasPrefix("claim:") else { return nil }
      let name = String(text.dropFirst(6))
      guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isClaimCharacter) else {
        return nil
      }
      self = .claim(name)
    }
  }

  package var description: String {
    switch self {
    case .cluster: "cluster"
    case .environment: "environment"
    case .issuer: "issuer"
    case .kind: "kind"
    case .name: "name"
    case .claim(let name): "claim:" + name
    }
  }

  /// The principal's value; nil if it has none.
  package func value(of principal: Principal) -> String? {
    switch self {
    case .cluster: principal.cluster
    case .environment: principal.environment
    case .issuer: principal.issuer
    case .kind: principal.kind.rawValue
    case .name: principal.name
    case .claim(let name): principal.claims[name]
    }
  }

  private static func isClaimCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "._-:/".utf8.contains(byte)
    }
  }
}
