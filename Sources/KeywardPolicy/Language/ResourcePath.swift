package import KeywardModel

/// What an operation is done to, as policy sees it: 1 to 32 segments joined by `/`.
///
/// Every ``Resource`` is one. Tools may ask about paths that no resource has today: a rule counts for
/// them all the same, so two policies are only equivalent if they agree there too.
package struct ResourcePath: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let longestPath = 32

  package let description: String
  package let segments: [Substring]

  package init(_ resource: Resource) {
    description = resource.description
    segments = Self.split(description)
  }

  /// Takes a path of valid segments, else nil.
  package init?(_ text: String) {
    let segments = Self.split(text)
    guard segments.count <= Self.longestPath, segments.allSatisfy(Self.isSegment) else {
      return nil
    }
    description = text
    self.segments = segments
  }

  /// What stands between the slashes, which may be nothing.
  private static func split(_ text: String) -> [Substring] {
    var segments: [Substring] = []
    segments.reserveCapacity(4)
    var start = text.startIndex
    while let slash = text.utf8[start...].firstIndex(of: UInt8(ascii: "/")) {
      segments.append(text[start..<slash])
      start = text.utf8.index(after: slash)
    }
    segments.append(text[start...])
    return segments
  }

  /// Whether `text` can be one segment of a resource.
  ///
  /// 1 to 256 of `a-z A-Z 0-9 . _ - : @ + = ~ %`, not `.` or `..`. No `/`, `*`, `{` or `}`: what a
  /// template puts in is compared with segments like this one, and can never be read as a pattern.
  package static func isSegment(_ text: some StringProtocol) -> Bool {
    (1...256).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy(isSegmentCharacter)
  }

  private static func isSegmentCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "._-:@+=~%".utf8.contains(byte)
    }
  }

  package static func < (left: ResourcePath, right: ResourcePath) -> Bool {
    left.description < right.description
  }
}
