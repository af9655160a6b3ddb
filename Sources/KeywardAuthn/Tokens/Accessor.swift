import KeywardModel

/// The public name of a credential, by which it can be shown and revoked: a prefix and 26 base32
/// characters of 16 random bytes.
package struct Accessor: Hashable, Comparable, Sendable, CustomStringConvertible {
  package enum Kind: String, CaseIterable, Sendable {
    /// An access token.
    case token = "acc-"
    /// A secret id.
    case secretID = "sid-"
  }

  package let description: String

  /// Makes the text from 16 random bytes, else nil.
  package init?(_ kind: Kind, random bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    description = kind.rawValue + Base32.encode(bytes)
  }

  /// Takes the text back; nil if it has another shape.
  package init?(_ text: String) {
    guard text.utf8.count == 30, Kind.allCases.contains(where: { text.hasPrefix($0.rawValue) }),
      text.utf8.dropFirst(4).allSatisfy({ Base32.isDigit($0) })
    else { return nil }
    description = text
  }

  package static func < (left: Accessor, right: Accessor) -> Bool {
    left.description < right.description
  }
}
