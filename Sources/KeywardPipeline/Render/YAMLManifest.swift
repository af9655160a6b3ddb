import Yams

/// Reads the documents of a YAML text into nodes that know their bytes.
///
/// Only documents that can have something to fill are parsed: the others are copied as they are,
/// whatever is in them.
struct YAMLManifest {
  static let longest = 64 << 20

  let file: String
  private let bytes: [UInt8]
  private(set) var documents: [ManifestNode] = []

  init(
    _ bytes: [UInt8],
    file: String,
    readingAll: Bool = false
  ) throws(PipelineError) {
    self.bytes = bytes
    self.file = file
    guard bytes.count <= Self.longest else {
      throw PipelineError(.input, "\(file) has more than \(Self.longest >> 20) MiB.")
    }
    guard bytes.withUnsafeBytes({ UTF8Scan.isValid($0) }) else {
      throw PipelineError(.input, "\(file) is not UTF-8.")
    }
    for part in Self.parts(of: bytes) where readingAll || Self.isOfInterest(bytes[part.range]) {
      try read(part)
    }
  }

  /// The text between two `---`, with the number of the line that it begins at, from 0.
  private struct Part {
    let range: Range<Int>
    let line: Int
  }

  /// Cuts at lines that begin with `---`, which nothing but a document can begin with.
  private static func parts(of bytes: [UInt8]) -> [Part] {
    var parts: [Part] = []
    var start = 0
    var startLine = 0
    var line = 0
    var index = 0
    // A byte order mark belongs to no document.
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { (start, index) = (3, 3) }
    var isDirective = false
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "%") { isDirective = true }
      if byte == UInt8(ascii: "-"), index > start, isMarker(bytes, index) {
        if isDirective {
          // The directive belongs to the document that begins here.
          isDirective = false
        } else {
          parts.append(Part(range: start..<index, line: startLine))
          (start, startLine) = (index, line)
        }
      }
      index = YAMLLines.end(of: index, in: bytes)
      line += 1
    }
    parts.append(Part(range: start..<bytes.count, line: startLine))
    return parts
  }

  private static func isMarker(_ bytes: [UInt8], _ index: Int) -> Bool {
    guard bytes[index...].starts(with: "---".utf8) else { return false }
    guard index + 3 < bytes.count else { return true }
    return [0x20, 0x09, 0x0a, 0x0d].contains(bytes[index + 3])
  }

  /// Whether a reference can be there, plain or in the base64 of a Secret.
  private static func isOfInterest(_ part: ArraySlice<UInt8>) -> Bool {
    part.withUnsafeBytes { bytes in
      TemplateText.find(TemplateText.scheme, in: bytes, from: 0) != nil
        || TemplateText.find(Array("Secret".utf8), in: bytes, from: 0) != nil
        || TemplateText.find(Array("binary".utf8), in: bytes, from: 0) != nil
        || TemplateText.find(Array(VersionAnnotation.key.utf8), in: bytes, from: 0) != nil
        || bytes.contains(UInt8(ascii: "\\"))
    }
  }

  private mutating func read(_ part: Part) throws(PipelineError) {
    let lines = YAMLLines(bytes[part.range])
    try AliasCheck.check(bytes[part.range], file: file, line: part.line)
    let text = String(decoding: bytes[part.range], as: UTF8.self)
    var found: [ManifestNode] = []
    do {
      // The parser holds the anchors that nodes refer to weakly.
      let parser = try Parser(yaml: text, encoding: .utf8)
      try withExtendedLifetime(parser) {
        var builder = NodeBuilder(lines: lines, line: part.line, text: bytes[part.range])
        while let node = try parser.nextRoot() { found.append(builder.node(node)) }
      }
    } catch let error as YamlError {
      throw problem(error, part)
    } catch {
      throw PipelineError(.input, "\(file) is not YAML.")
    }
    documents += found
  }

  private func problem(_ error: YamlError, _ part: Part) -> PipelineError {
    func at(_ mark: Mark, _ words: String) -> PipelineError {
      let place = PipelineError.Place(file: file, line: part.line + mark.line, column: mark.column)
      return PipelineError(.input, at: place, words)
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return at(mark, "This is not YAML: \(problem).")
    case .duplicatedKeysInMapping(_, let context):
      return at(context.mark, "This key is in its mapping twice, so one of them would be lost.")
    default: return PipelineError(.input, "\(file) is not YAML.")
    }
  }
}

/// Where the lines of a text begin, by the line breaks that libyaml counts.
struct YAMLLines {
  private let bytes: ArraySlice<UInt8>
  private let starts: [Int]

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    var starts = [bytes.startIndex]
    var index = bytes.startIndex
    while index < bytes.endIndex {
      index = Self.end(of: index, in: bytes)
      starts.append(index)
    }
    self.starts = starts
  }

  /// The byte at a line and column from 1; columns count scalars.
  func offset(line: Int, column: Int) -> Int {
    guard starts.indices.contains(line - 1) else { return bytes.endIndex }
    var index = starts[line - 1]
    var left = column - 1
    while left > 0, index < bytes.endIndex {
      index += 1
      while index < bytes.endIndex, bytes[index] & 0xc0 == 0x80 { index += 1 }
      left -= 1
    }
    return index
  }

  /// The byte after the line break of the line that has this byte.
  static func end(of index: Int, in bytes: some RandomAccessCollection<UInt8> & ByteIndexed) -> Int
  {
    var index = index
    while index < bytes.endIndex {
      switch bytes[index] {
      case 0x0a: return index + 1
      case 0x0d:
        return index + 1 < bytes.endIndex && bytes[index + 1] == 0x0a ? index + 2 : index + 1
      case 0xc2 where index + 1 < bytes.endIndex && bytes[index + 1] == 0x85: return index + 2
      case 0xe2
      where index + 2 < bytes.endIndex && bytes[index + 1] == 0x80
        && (bytes[index + 2] == 0xa8 || bytes[index + 2] == 0xa9):
        return index + 3
      default: index += 1
      }
    }
    return index
  }
}

/// Bytes by the index of the whole text.
protocol ByteIndexed: Collection where Index == Int, Element == UInt8 {}
extension [UInt8]: ByteIndexed {}
extension ArraySlice<UInt8>: ByteIndexed {}

/// Makes nodes of those of Yams, each aliased one once.
private struct NodeBuilder {
  let lines: YAMLLines
  let line: Int
  let text: ArraySlice<UInt8>
  private var shared: [Int: ManifestNode] = [:]

  init(lines: YAMLLines, line: Int, text: ArraySlice<UInt8>) {
    self.lines = lines
    self.line = line
    self.text = text
  }

  mutating func node(_ node: Node) -> ManifestNode {
    let mark = node.mark
    let offset = mark.map { lines.offset(line: $0.line, column: $0.column) } ?? text.endIndex
    let isAnchored = node.anchor != nil
    if isAnchored, let known = shared[offset] { return known }
    let content: ManifestNode.Content
    switch node {
    case .scalar(let scalar): content = .scalar(scalar.string, Self.style(scalar.style))
    case .sequence(let sequence): content = .sequence(sequence.map { self.node($0) })
    case .mapping(let mapping):
      content = .mapping(mapping.map { (self.node($0.key), self.node($0.value)) })
    case .alias: content = .scalar("", .plain)
    }
    let made = ManifestNode(
      content,
      offset: offset,
      line: line + (mark?.line ?? 1),
      column: mark?.column ?? 1,
      isBinary: text[min(offset, text.endIndex)...].starts(with: "!!binary".utf8),
      isAnchored: isAnchored
    )
    if isAnchored { shared[offset] = made }
    return made
  }

  private static func style(_ style: Node.Scalar.Style) -> ManifestNode.Style {
    switch style {
    case .any, .plain: .plain
    case .singleQuoted: .singleQuoted
    case .doubleQuoted: .doubleQuoted
    case .literal: .literal
    case .folded: .folded
    }
  }
}

/// Refuses aliases where the parser would walk what they refer to again and again.
///
/// Yams compares keys, and a key that is a collection of aliases of collections of aliases takes time
/// without bound ("billion laughs").
private enum AliasCheck {
  static func check(
    _ bytes: ArraySlice<UInt8>,
    file: String,
    line: Int
  ) throws(PipelineError) {
    var hasAnchor = false
    var hasAlias = false
    var suspicious: (line: Int, column: Int)?
    var before = UInt8(ascii: "\n")
    var last = UInt8(ascii: "\n")
    var sign: UInt8?
    var isInAlias = false
    var (row, column) = (line + 1, 0)
    for byte in bytes {
      column += 1
      let isStart = [0x0a, 0x0d, 0x20, 0x09, 0x5b, 0x7b, 0x2c, 0x3a, 0x2d, 0x3f].contains(before)
      if let found = sign, byte > 0x20 {
        hasAnchor = hasAnchor || found == UInt8(ascii: "&")
        hasAlias = hasAlias || found == UInt8(ascii: "*")
        isInAlias = found == UInt8(ascii: "*")
      }
      sign = isStart && (byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")) ? byte : nil
      let isKeyMark =
        byte == UInt8(ascii: ":")
        && (isInAlias || last == UInt8(ascii: "]") || last == UInt8(ascii: "}"))
      if isKeyMark || (isStart && byte == UInt8(ascii: "?")) {
        suspicious = suspicious ?? (row, column)
      }
      if byte == 0x0a { (row, column, isInAlias) = (row + 1, 0, false) }
      if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
        isInAlias = false
      }
      before = byte
      if byte != 0x20 { last = byte }
    }
    guard hasAnchor, hasAlias, let suspicious else { return }
    throw PipelineError(
      .input,
      at: .init(file: file, line: suspicious.line, column: suspicious.column),
      "A document with aliases may not have collections or aliases as keys here."
    )
  }
}
