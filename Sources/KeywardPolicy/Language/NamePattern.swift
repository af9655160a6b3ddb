/// A set of principals' names: segments between `/` that are literal or `*`, and perhaps `**` last.
///
/// A name is taken as it is: `spiffe://a/b` has the segments `spiffe:`, an empty one, `a` and `b`.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  package static let longestPattern = 32

  /// The literal segments; nil is `*`: any one segment that is not empty.
  package let segments: [String?]
  /// Whether `**` follows: one segment or more of any kind.
  package let hasRest: Bool
  package let description: String

  /// Takes a pattern of at most 32 segments and 512 characters of printable ASCII, with
  /// stars as whole segments only, else nil.
  package init?(_ text: String) {
    guard (1...512).contains(text.utf8.count), text.utf8.allSatisfy({ (32...126).contains($0) })
    else { return nil }
    var parts = text.split(separator: "/", omittingEmptySubsequences: false)
    hasRest = parts.last == "**"
    if hasRest { parts.removeLast() }
    guard parts.count <= Self.longestPattern else { return nil }
    var segments: [String?] = []
    for part in parts {
      if part == "*" {
        segments.append(nil)
      } else {
        guard !part.utf8.contains(UInt8(ascii: "*")) else { return nil }
        segments.append(String(part))
      }
    }
    self.segments = segments
    description = text
  }

  /// The one name in the set, if there is only one.
  package var literal: String? {
    hasRest || segments.contains(nil) ? nil : description
  }

  package func matches(_ name: String) -> Bool {
    // Part by part and without an array: this is on the way of every decision.
    var left: Substring? = name[...]
    for segment in segments {
      guard let text = left else { return false }
      let slash = text.utf8.firstIndex(of: UInt8(ascii: "/"))
      let part = slash.map { text[..<$0] } ?? text
      guard segment.map({ part.isExactly($0) }) ?? !part.isEmpty else { return false }
      left = slash.map { text[text.utf8.index(after: $0)...] }
    }
    return hasRest == (left != nil)
  }
}
