import Yams

/// The YAML of one file, composed into nodes, with what YAML allows and policy does not taken out.
///
/// Yams composes by recursion and copies aliased nodes, so both depth and aliases are bounded on the
/// text, before it: a text of 4 MiB must neither end the stack nor become 4 GiB (the "billion laughs").
struct YAMLSource {
  static let longestText = 4 << 20
  static let deepest = 32
  /// What may stand before the first word of a line: a bound of the depth of indented blocks.
  static let longestIndent = 128

  let file: String
  private let lines: [Substring.UTF8View]

  /// The documents of the text, in order, empty ones left out.
  private(set) var documents: [Node] = []

  init(file: String, text: String) throws(PolicyProblem) {
    self.file = file
    lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { Substring($0).utf8 }
    guard text.utf8.count <= Self.longestText else {
      throw PolicyProblem(
        PolicyPlace(file: file, line: 1, column: 1),
        "a policy is at most 4 MiB; split it, or remove what is not used"
      )
    }
    try checkByteOrderMarks()
    try checkDepth()
    try checkAliases()
    try compose(text)
  }

  func place(_ node: Node) -> PolicyPlace? {
    node.mark.map { PolicyPlace(file: file, line: $0.line, column: $0.column) }
  }

  /// The character at which a node begins; its tag or anchor if it has one.
  func firstByte(_ node: Node) -> UInt8? {
    guard let mark = node.mark, lines.indices.contains(mark.line - 1) else { return nil }
    return Substring(lines[mark.line - 1]).unicodeScalars.dropFirst(mark.column - 1).first
      .flatMap { UInt8(exactly: $0.value) }
  }

  private mutating func compose(_ text: String) throws(PolicyProblem) {
    do {
      // The parser holds the anchors that nodes refer to weakly.
      let parser = try Parser(yaml: text, encoding: .utf8)
      try withExtendedLifetime(parser) {
        while let node = try parser.nextRoot() {
          try refuseExtras(node, depth: 1)
          if case .scalar(let scalar) = node, scalar.style == .plain, scalar.string.isEmpty {
            continue
          }
          documents.append(node)
        }
      }
    } catch let error as PolicyProblem {
      throw error
    } catch let error as YamlError {
      throw problem(error)
    } catch {
      throw PolicyProblem(nil, "\(file): this is not YAML")
    }
  }

  /// Anchors, tags, and more depth than the language has use for.
  private func refuseExtras(_ node: Node, depth: Int) throws(PolicyProblem) {
    guard depth <= Self.deepest else {
      throw PolicyProblem(place(node), "this is nested deeper than \(Self.deepest) levels")
    }
    guard node.anchor == nil else {
      throw PolicyProblem(
        place(node),
        "anchors and aliases are not taken; write out what is meant, or quote the text"
      )
    }
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
      let first = firstByte(node)
      guard first != UInt8(ascii: "!"),
        !isQuoted || first == UInt8(ascii: "\"") || first == UInt8(ascii: "'")
      else { throw tagged(node) }
    case .sequence(let sequence):
      guard firstByte(node) != UInt8(ascii: "!") else { throw tagged(node) }
      for item in sequence { try refuseExtras(item, depth: depth + 1) }
    case .mapping(let mapping):
      guard firstByte(node) != UInt8(ascii: "!") else { throw tagged(node) }
      for (key, value) in mapping {
        try refuseExtras(key, depth: depth + 1)
        try refuseExtras(value, depth: depth + 1)
      }
    case .alias:
      throw PolicyProblem(place(node), "anchors and aliases are not taken")
    }
  }

  private func tagged(_ node: Node) -> PolicyProblem {
    PolicyProblem(place(node), "YAML tags are not taken; quote a text that begins with '!'")
  }

  /// Refuses on the text alone what could nest deeper than the stack of a small thread, and what has
  /// too many documents.
  private func checkDepth() throws(PolicyProblem) {
    var open = 0
    var documents = 1
    for (index, line) in lines.enumerated() {
      if line.starts(with: "---".utf8) {
        open = 0
        documents += 1
      }
      guard documents <= PolicyParser.mostDocuments + 1 else {
        throw PolicyProblem(
          PolicyPlace(file: file, line: index + 1, column: 1),
          "a policy has at most \(PolicyParser.mostDocuments) documents"
        )
      }
      var column = 1
      var indent: Int? = 0
      for byte in line {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(open - 1, 0)
        default: break
        }
        if let width = indent { indent = " -?:\t".utf8.contains(byte) ? width + 1 : nil }
        guard open <= 2 * Self.deepest, (indent ?? 0) <= Self.longestIndent else {
          throw PolicyProblem(
            PolicyPlace(file: file, line: index + 1, column: column),
            "this is nested deeper than \(Self.deepest) levels"
          )
        }
        column += 1
      }
    }
  }

  /// Refuses U+FEFF, plain or escaped, but for one before everything.
  ///
  /// Yams drops it from the beginning of a scalar, so that a name with it would be the name without.
  private func checkByteOrderMarks() throws(PolicyProblem) {
    for (index, line) in lines.enumerated() {
      let text = Substring(
        index == 0 && line.starts(with: "\u{feff}".utf8) ? line.dropFirst(3) : line
      )
      let lower = text.lowercased()
      guard
        text.unicodeScalars.contains("\u{feff}") || lower.contains("\\ufeff")
          || lower.contains("\\u0000feff")
      else { continue }
      throw PolicyProblem(
        PolicyPlace(file: file, line: index + 1, column: 1),
        "this line has a byte order mark (U+FEFF), which cannot be seen; remove it"
      )
    }
  }

  /// Refuses a text that has both what looks like an anchor and what looks like an alias, wherever
  /// they stand; one without the other cannot multiply, and gets a better message later.
  private func checkAliases() throws(PolicyProblem) {
    var hasAnchor = false
    var alias: PolicyPlace?
    for (index, line) in lines.enumerated() {
      var before = UInt8(ascii: " ")
      var sign: UInt8?
      for (column, byte) in line.enumerated() {
        let isName =
          (48...57).contains(byte) || (97...122).contains(byte | 0x20)
          || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        if isName, let found = sign {
          if found == UInt8(ascii: "&") { hasAnchor = true }
          if found == UInt8(ascii: "*"), alias == nil {
            alias = PolicyPlace(file: file, line: index + 1, column: column)
          }
        }
        let isStart = " \t[{,:-?".utf8.contains(before)
        sign = isStart && (byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")) ? byte : nil
        before = byte
      }
    }
    guard hasAnchor, let alias else { return }
    throw PolicyProblem(
      alias,
      "anchors and aliases are not taken; write out what is meant, or quote the text"
    )
  }

  private func problem(_ error: YamlError) -> PolicyProblem {
    func at(_ mark: Mark) -> PolicyPlace {
      PolicyPlace(file: file, line: mark.line, column: mark.column)
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return PolicyProblem(at(mark), "this is not YAML: \(problem)")
    case .duplicatedKeysInMapping(_, let context):
      return PolicyProblem(at(context.mark), "this key is in its mapping twice; keep one")
    case .reader(let problem, _, _, _):
      return PolicyProblem(nil, "\(file): this is not YAML: \(problem)")
    default:
      return PolicyProblem(nil, "\(file): this is not YAML")
    }
  }
}
