package import KeywardModel

/// A set of resources: segments that are literal, `*` or `{attribute}`, and perhaps `**` at the end.
package struct ResourcePattern: Hashable, Sendable, CustomStringConvertible {
  package enum Segment: Hashable, Sendable {
    case literal(String)
    /// `*`: any one whole segment.
    case any
    /// `{attribute}`: exactly the principal's value, which is compared and never read as a pattern.
    /// Absent, or with a character that no segment has, it matches nothing.
    case attribute(PolicyAttribute)
  }

  /// Why a text is no pattern, with what to do.
  package struct Invalid: Error, Hashable, Sendable {
    package let reason: String
  }

  package static let longestPattern = 16

  package let segments: [Segment]
  /// Whether `**` follows: one segment or more of any kind.
  package let hasRest: Bool

  package init(segments: [Segment], hasRest: Bool) {
    self.segments = segments
    self.hasRest = hasRest
  }

  package init(_ text: String) throws(Invalid) {
    guard !text.isEmpty else { throw Invalid(reason: "a resource is not empty; \"**\" is all") }
    var parts = text.split(separator: "/", omittingEmptySubsequences: false)
    hasRest = parts.last == "**"
    if hasRest { parts.removeLast() }
    guard parts.count <= Self.longestPattern else {
      throw Invalid(reason: "a resource has at most \(Self.longestPattern) segments")
    }
    var segments: [Segment] = []
    for part in parts { segments.append(try Self.segment(part)) }
    self.segments = segments
  }

  private static func segment(_ part: Substring) throws(Invalid) -> Segment {
    if part == "*" { return .any }
    if part == "**" {
      throw Invalid(reason: "\"**\" stands at the end only; \"*\" is one segment anywhere")
    }
    if part.hasPrefix("{"), part.hasSuffix("}") {
      guard let attribute = PolicyAttribute(String(part.dropFirst().dropLast())),
        attribute != .kind
      else {
        throw Invalid(
          reason: "\"\(part)\" is none of {cluster}, {environment}, {issuer}, {name}, {claim:NAME}"
        )
      }
      return .attribute(attribute)
    }
    guard !part.isEmpty else {
      throw Invalid(reason: "a resource has no empty segment: no '/' at either end, no \"//\"")
    }
    guard ResourcePath.isSegment(part) else {
      let isMixed = part.utf8.contains { "*{}".utf8.contains($0) }
      throw Invalid(
        reason: isMixed
          ? "\"\(part)\" mixes text with '*', '{' or '}', which stand for whole segments only"
          : "\"\(part)\" is no segment: a-z, A-Z, 0-9 and . _ - : @ + = ~ %, not \".\" or \"..\""
      )
    }
    return .literal(String(part))
  }

  package var description: String {
    var parts = segments.map { segment in
      switch segment {
      case .literal(let text): text
      case .any: "*"
      case .attribute(let attribute): "{\(attribute)}"
      }
    }
    if hasRest { parts.append("**") }
    return parts.joined(separator: "/")
  }

  /// Whether `path` is in the set, for `principal`.
  package func matches(_ path: ResourcePath, for principal: Principal) -> Bool {
    guard hasRest ? path.segments.count > segments.count : path.segments.count == segments.count
    else { return false }
    for (segment, text) in zip(segments, path.segments) {
      switch segment {
      case .any: break
      case .literal(let literal): guard text.isExactly(literal) else { return false }
      case .attribute(let attribute):
        guard let value = attribute.value(of: principal), text.isExactly(value) else {
          return false
        }
      }
    }
    return true
  }
}
