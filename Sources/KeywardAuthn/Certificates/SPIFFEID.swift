/// A SPIFFE ID: `spiffe://` a trust domain, and a path (SPIFFE-ID §2).
package struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package let trustDomain: String

  /// Takes the canonical form alone, with a path, of at most 256 bytes; else nil.
  ///
  /// No percent-encoding, no empty, `.` or `..` segment, no port, query or fragment.
  package init?(_ text: String) {
    guard text.utf8.count <= FieldRules.longestName, text.hasPrefix("spiffe://") else { return nil }
    let segments = text.dropFirst(9).split(separator: "/", omittingEmptySubsequences: false)
    guard segments.count >= 2, Self.isTrustDomain(String(segments[0])) else { return nil }
    for segment in segments.dropFirst() {
      guard !segment.isEmpty, segment != ".", segment != "..",
        segment.utf8.allSatisfy({ Self.isPathByte($0) })
      else { return nil }
    }
    trustDomain = String(segments[0])
    description = text
  }

  /// Lower-case letters, digits, `.`, `-` and `_`, at most 255.
  package static func isTrustDomain(_ text: String) -> Bool {
    (1...255).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (97...122).contains(byte) || (48...57).contains(byte) || ".-_".utf8.contains(byte)
      }
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
      || ".-_".utf8.contains(byte)
  }
}
