import Yams

/// A reader of a YAML or JSON file; unknown and doubled keys are errors with their line and column.
protocol StrictYAML {
  var path: String { get }
  /// The page that lists the keys there are.
  static var reference: String { get }
}

extension StrictYAML {
  func fields(
    of node: Node,
    _ what: String,
    _ take: (String, Node) throws(ConfigurationError) -> Bool
  ) throws(ConfigurationError) {
    guard let mapping = node.mapping else { throw wrong(node, "\(what) is a mapping") }
    var seen: Set<String> = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else { throw wrong(key, "a key is text") }
      guard seen.insert(name).inserted else { throw wrong(key, "'\(name)' is here twice") }
      guard try take(name, value) else {
        throw wrong(key, "'\(name)' is not a key of \(what); see \(Self.reference)")
      }
    }
  }

  func text(_ node: Node) throws(ConfigurationError) -> String {
    guard let text = node.scalar?.string, !text.isEmpty else {
      throw wrong(node, "this is a text")
    }
    return text
  }

  func list(_ node: Node) throws(ConfigurationError) -> [Node] {
    guard let sequence = node.sequence else { throw wrong(node, "this is a list") }
    return Array(sequence)
  }

  func number(_ node: Node, _ range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
    guard let number = Int(try text(node)), range.contains(number) else {
      throw wrong(node, "this is a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func flag(_ node: Node) throws(ConfigurationError) -> Bool {
    switch try text(node) {
    case "true": return true
    case "false": return false
    default: throw wrong(node, "this is true or false")
    }
  }

  func wrong(_ node: Node, _ words: String) -> ConfigurationError {
    let place = node.mark.map { ":\($0.line):\($0.column)" } ?? ""
    return ConfigurationError("\(path)\(place): \(words).")
  }

  func problem(_ error: YamlError) -> ConfigurationError {
    func at(_ mark: Mark?, _ words: String) -> ConfigurationError {
      let place = mark.map { ":\($0.line):\($0.column)" } ?? ""
      return ConfigurationError("\(path)\(place): \(words).")
    }
    switch error {
    case .scanner(_, let words, let mark, _), .parser(_, let words, let mark, _),
      .composer(_, let words, let mark, _):
      return at(mark, "this is not YAML: \(words)")
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
      return at(context.mark, "\(names) is here and once more in its mapping; keep one")
    case .reader(let words, _, _, _): return at(nil, "this is not YAML: \(words)")
    default: return at(nil, "this is not YAML")
    }
  }
}
