/// A public id with one spelling: the prefix of its kind and 26 base32 characters of 16 random bytes.
///
/// The kind is part of the type, so that the id of one thing cannot be handed over for another's.
package struct Identifier<Kind: IdentifierKind>: Hashable, Comparable, Sendable,
  CustomStringConvertible
{
  package let description: String

  /// Makes the text from 16 random bytes, else nil.
  package init?(random bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    description = Kind.prefix + Base32.encode(bytes)
  }

  /// Takes the text back; nil if it has another shape.
  package init?(_ text: String) {
    let prefix = Kind.prefix.utf8
    guard text.utf8.count == prefix.count + 26, text.utf8.starts(with: prefix),
      text.utf8.dropFirst(prefix.count).allSatisfy({ Base32.isDigit($0) })
    else { return nil }
    description = text
  }

  package static func < (left: Self, right: Self) -> Bool {
    left.description < right.description
  }
}

/// What an ``Identifier`` is of.
package protocol IdentifierKind {
  /// ASCII, and no beginning of another kind's.
  static var prefix: String { get }
}

/// The id of a request for approval: `apr-` and 26 characters.
package typealias ApprovalID = Identifier<IdentifierKinds.Approval>

/// The id of one export of one key version: `exp-` and 26 characters.
package typealias ExportID = Identifier<IdentifierKinds.Export>

/// The `key_id` that a KMS v2 plugin reports for one key version: `kw1.` and 26 characters.
///
/// Made when the version is made, unique in the store, never issued again: not after a rotation back,
/// a restore or a new key of the same name.
package typealias KMSKeyID = Identifier<IdentifierKinds.KMSKey>

/// The public half of a machine role's credential: `role-` and 26 characters.
package typealias RoleID = Identifier<IdentifierKinds.Role>

/// The id of a wrapping key that serves one import: `once:` and 26 characters.
///
/// The colon is in no name of a key, so that neither can be taken for the other.
package typealias WrappingKeyID = Identifier<IdentifierKinds.WrappingKey>

/// The kinds of ids.
package enum IdentifierKinds {
  package enum Approval: IdentifierKind { package static let prefix = "apr-" }
  package enum Export: IdentifierKind { package static let prefix = "exp-" }
  package enum KMSKey: IdentifierKind { package static let prefix = "kw1." }
  package enum Role: IdentifierKind { package static let prefix = "role-" }
  package enum WrappingKey: IdentifierKind { package static let prefix = "once:" }
}
