/// The bytes of one scalar of YAML, from its first quote or letter to its end.
struct ScalarExtent: Equatable, Sendable {
  let range: Range<Int>
  /// Of a block: the spaces before its content, and where that begins and ends.
  let block: Block?

  struct Block: Equatable, Sendable {
    let indent: Int
    let content: Range<Int>
    /// A comment in the line of the `|`, with the space before it.
    let comment: Range<Int>
    let hasIndicator: Bool
  }

  /// Finds the extent of a scalar that the parser has read; nil if the bytes do not say the same.
  init?(of node: ManifestNode, text: String, style: ManifestNode.Style, in bytes: [UInt8]) {
    if style == .json {
      guard let end = node.end else { return nil }
      range = node.offset..<end
      block = nil
      return
    }
    guard let start = Self.afterProperties(node.offset, in: bytes) else { return nil }
    switch style {
    case .plain:
      // On one line a plain scalar is its own text.
      guard !text.isEmpty, bytes[start...].starts(with: text.utf8) else { return nil }
      range = start..<start + text.utf8.count
      block = nil
    case .singleQuoted, .doubleQuoted:
      guard let end = Self.endOfQuotes(start, style, in: bytes) else { return nil }
      range = start..<end
      block = nil
    case .literal, .folded:
      let lines = style == .literal ? Self.lines(of: text) : nil
      guard let found = Self.block(start, lines, in: bytes) else { return nil }
      range = start..<found.content.upperBound
      block = found
    case .json: return nil
    }
  }

  /// Steps over tag and anchor, which stand on the line of the scalar.
  private static func afterProperties(_ offset: Int, in bytes: [UInt8]) -> Int? {
    var index = offset
    while index < bytes.count,
      bytes[index] == UInt8(ascii: "!") || bytes[index] == UInt8(ascii: "&")
    {
      while index < bytes.count, bytes[index] > 0x20 { index += 1 }
      while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
    }
    return index < bytes.count && bytes[index] > 0x20 ? index : nil
  }

  private static func endOfQuotes(
    _ start: Int,
    _ style: ManifestNode.Style,
    in bytes: [UInt8]
  ) -> Int? {
    let quote = style == .doubleQuoted ? UInt8(ascii: "\"") : UInt8(ascii: "'")
    guard bytes[start] == quote else { return nil }
    var index = start + 1
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\\"), style == .doubleQuoted {
        index += 2
      } else if bytes[index] != quote {
        index += 1
      } else if style == .singleQuoted, index + 1 < bytes.count, bytes[index + 1] == quote {
        index += 2
      } else {
        return index + 1
      }
    }
    return nil
  }

  /// The lines of a literal text, without the empty ones at its end.
  private static func lines(of text: String) -> [Substring.UTF8View.SubSequence] {
    var lines = text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false)
    while let last = lines.last, last.isEmpty { lines.removeLast() }
    return lines
  }

  /// A block scalar whose content is these lines; without them, whatever is indented like the first.
  private static func block(
    _ start: Int,
    _ lines: [Substring.UTF8View.SubSequence]?,
    in bytes: [UInt8]
  ) -> Block? {
    guard bytes[start] == UInt8(ascii: "|") || bytes[start] == UInt8(ascii: ">"),
      let headEnd = bytes[start...].firstIndex(of: 0x0a)
    else { return nil }
    let head = bytes[start + 1..<headEnd].prefix { $0 > 0x20 }
    // libyaml takes a comment without a blank before it (YAML 1.2 does not), which could not stay.
    guard !head.contains(UInt8(ascii: "#")), isIndented(start, in: bytes) else { return nil }
    let hasIndicator = head.contains { (0x31...0x39).contains($0) }
    var comment = start + 1 + head.count..<headEnd
    if bytes[comment].last == 0x0d { comment = comment.lowerBound..<comment.upperBound - 1 }
    guard
      let (indent, end) = lines.map({ literal($0, from: headEnd + 1, in: bytes) })
        ?? (hasIndicator ? nil : folded(from: headEnd + 1, in: bytes))
    else { return nil }
    let content = headEnd + 1..<withBlankLines(after: end, in: bytes)
    guard !hasOtherBreaks(content, in: bytes) else { return nil }
    return Block(
      indent: indent,
      content: content,
      comment: comment,
      hasIndicator: hasIndicator
    )
  }

  /// Whether lines end, in the content or right after it, with what libyaml takes for a line end too
  /// and YAML 1.2 in part does not: a carriage return alone, U+0085, U+2028, U+2029.
  private static func hasOtherBreaks(_ content: Range<Int>, in bytes: [UInt8]) -> Bool {
    let breaks: [[UInt8]] = [[0xc2, 0x85], [0xe2, 0x80, 0xa8], [0xe2, 0x80, 0xa9]]
    return (content.lowerBound...content.upperBound).contains { index in
      guard index < bytes.count else { return false }
      if bytes[index] == 0x0d { return index + 1 == bytes.count || bytes[index + 1] != 0x0a }
      return breaks.contains { bytes[index...].starts(with: $0) }
    }
  }

  /// Whether a header on a line of its own stands to the right of what it belongs to.
  ///
  /// libyaml takes one beneath its key too (YAML 1.2 does not), where quotes would begin another key.
  private static func isIndented(_ start: Int, in bytes: [UInt8]) -> Bool {
    var lineStart = beginOfLine(start, in: bytes)
    let own = bytes[lineStart..<start]
    guard own.allSatisfy({ $0 == 0x20 }) else { return true }
    // Back to the last line with more than a comment; line by line, since a file may have many blocks.
    while lineStart > 0 {
      let end = lineStart - 1
      lineStart = beginOfLine(end, in: bytes)
      let former = bytes[lineStart..<end]
      guard let first = former.first(where: { $0 > 0x20 }), first != UInt8(ascii: "#") else {
        continue
      }
      guard !former.starts(with: "---".utf8) else { return true }
      // `- - key:` stands where its key does.
      return own.count > former.prefix { $0 == 0x20 || $0 == UInt8(ascii: "-") }.count
    }
    return true
  }

  /// Where the line begins that holds the byte before `index`, or ends there.
  private static func beginOfLine(_ index: Int, in bytes: [UInt8]) -> Int {
    var start = index
    while start > 0, bytes[start - 1] != 0x0a { start -= 1 }
    return start
  }

  /// Checks the content line by line against what the parser made of it.
  private static func literal(
    _ lines: [Substring.UTF8View.SubSequence],
    from start: Int,
    in bytes: [UInt8]
  ) -> (indent: Int, end: Int)? {
    var index = start
    var indent: Int?
    for line in lines {
      let next = endOfLine(index, in: bytes)
      var raw = bytes[index..<next]
      if raw.last == 0x0a { raw = raw.dropLast() }
      if raw.last == 0x0d { raw = raw.dropLast() }
      index = next
      if line.isEmpty, raw.allSatisfy({ $0 == 0x20 }) { continue }
      let spaces = raw.prefix { $0 == 0x20 }.count
      let known = indent ?? spaces - line.prefix { $0 == 0x20 }.count
      guard known >= 0, raw.count >= known, raw.dropFirst(known).elementsEqual(line) else {
        return nil
      }
      indent = known
    }
    return indent.map { ($0, index) }
  }

  private static func folded(from start: Int, in bytes: [UInt8]) -> (indent: Int, end: Int)? {
    var index = start
    var end = start
    var indent: Int?
    while index < bytes.count {
      let next = endOfLine(index, in: bytes)
      let spaces = bytes[index..<next].prefix { $0 == 0x20 }.count
      if !bytes[index + spaces..<next].allSatisfy({ $0 == 0x0a || $0 == 0x0d }) {
        guard spaces >= max(indent ?? 1, 1) else { break }
        indent = indent ?? spaces
        end = next
      }
      index = next
    }
    return indent.map { ($0, end) }
  }

  /// Blank lines after the content are of the scalar too: they end it, or are kept by `|+`.
  private static func withBlankLines(after end: Int, in bytes: [UInt8]) -> Int {
    var end = end
    while end < bytes.count {
      let next = endOfLine(end, in: bytes)
      guard bytes[end..<next].allSatisfy({ $0 == 0x20 || $0 == 0x0a || $0 == 0x0d }) else { break }
      end = next
    }
    return end
  }

  private static func endOfLine(_ index: Int, in bytes: [UInt8]) -> Int {
    bytes[index...].firstIndex(of: 0x0a).map { $0 + 1 } ?? bytes.count
  }
}
