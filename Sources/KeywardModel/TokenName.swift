/// The name of a token that is made for a system: segments of a resource, such as `ci` or `ci/nightly`.
///
/// It is the name of the identity for policy, and `auth/tokens/NAME` is the resource that making one is
/// about.
package struct TokenName: Hashable, Sendable, CustomStringConvertible {
  package static let longest = 128
  package static let mostSegments = 8

  package let description: String

  /// Takes 1 to 8 segments of `a-z A-Z 0-9 . _ - : @ + = ~ %`, at most 128 bytes, none of them `.` or
  /// `..`; else nil.
  package init?(_ text: String) {
    let segments = text.split(separator: "/", omittingEmptySubsequences: false)
    guard text.utf8.count <= Self.longest, segments.count <= Self.mostSegments,
      segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
      text.utf8.allSatisfy(Self.isCharacter)
    else { return nil }
    description = text
  }

  private static func isCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "/._-:@+=~%".utf8.contains(byte)
    }
  }
}
