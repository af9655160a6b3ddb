import KeywardModel
import Yams

/// Reads values out of nodes; whatever is not exactly what is asked for is a problem with its place.
struct YAMLFields {
  let source: YAMLSource

  func wrong(_ node: Node, _ message: String) -> PolicyProblem {
    PolicyProblem(source.place(node), message)
  }

  /// The fields of a mapping by name; `known` are the only ones there can be.
  func mapping(
    _ node: Node,
    _ what: String,
    known: [String]
  ) throws(PolicyProblem) -> [String: Node] {
    guard let mapping = node.mapping else { throw wrong(node, "\(what) is a mapping") }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      guard let name = key.scalar?.string else { throw wrong(key, "the name of a field is text") }
      guard name != "<<" else {
        throw wrong(key, "merge keys are not taken; write out the fields")
      }
      guard known.contains(name) else {
        throw wrong(
          key,
          "'\(Self.shown(name))' is no field of \(what), which has \(known.joined(separator: ", "))"
        )
      }
      // Yams tells of doubled keys of one style; this also sees 'a' and "a".
      guard fields.updateValue(value, forKey: name) == nil else {
        throw wrong(key, "this key is in its mapping twice; keep one")
      }
    }
    return fields
  }

  /// A field that must be there.
  func required(
    _ mapping: [String: Node],
    _ name: String,
    in node: Node
  ) throws(PolicyProblem) -> Node {
    guard let value = mapping[name] else { throw wrong(node, "'\(name)' is missing here") }
    return value
  }

  /// The items of a list that is not empty.
  func list(_ node: Node, _ what: String, most: Int) throws(PolicyProblem) -> [Node] {
    guard let sequence = node.sequence else { throw wrong(node, "\(what) is a list: [..]") }
    guard !sequence.isEmpty else { throw wrong(node, "\(what) is empty; name at least one") }
    guard sequence.count <= most else { throw wrong(node, "\(what) has at most \(most) items") }
    return Array(sequence)
  }

  /// A text of 1 to `longest` printable ASCII characters, that YAML takes as text too.
  ///
  /// ASCII, because Swift and many other tools take canonically equivalent texts for equal (the Kelvin
  /// sign for `K`), and because reviewers cannot see other look-alikes; what is written here is
  /// compared byte by byte.
  /// `no` for Norway is false to one reader and text to another, and `1e3` a number: what another
  /// reader of the same file could take for something else needs quotes.
  func text(_ node: Node, _ what: String, longest: Int = 256) throws(PolicyProblem) -> String {
    let text = try plain(node, what)
    if node.scalar?.style == .plain, Self.isAmbiguous(text) {
      throw wrong(
        node,
        "\(Self.shown(text)) can be read as something else than text; put it in quotes"
      )
    }
    guard !text.isEmpty else { throw wrong(node, "\(what) is empty") }
    guard text.utf8.count <= longest, text.utf8.allSatisfy({ (32...126).contains($0) })
    else {
      throw wrong(node, "\(what) has at most \(longest) characters, all of printable ASCII")
    }
    return text
  }

  /// The text of a scalar of any style, for values that have a strict form of their own.
  func plain(_ node: Node, _ what: String) throws(PolicyProblem) -> String {
    guard let scalar = node.scalar else { throw wrong(node, "\(what) is one value") }
    return scalar.string
  }

  func number(
    _ node: Node,
    _ what: String,
    _ range: ClosedRange<Int>
  ) throws(PolicyProblem) -> Int {
    let text = try plain(node, what)
    guard node.scalar?.style == .plain, (1...9).contains(text.utf8.count),
      text.utf8.allSatisfy({ (48...57).contains($0) }), text.utf8.count == 1 || text.first != "0",
      let number = Int(text), range.contains(number)
    else {
      throw wrong(
        node,
        "\(what) is a whole number from \(range.lowerBound) to \(range.upperBound), without quotes"
      )
    }
    return number
  }

  func time(_ node: Node, _ what: String) throws(PolicyProblem) -> Timestamp {
    guard let time = Timestamp(rfc3339: try plain(node, what)) else {
      throw wrong(node, "\(what) is a time in UTC, such as 2027-01-31T18:00:00Z")
    }
    return time
  }

  /// Text for a message: short, and without characters that move a terminal.
  static func shown(_ text: String) -> String {
    let clean = String(
      text.unicodeScalars.prefix(60).map { scalar in
        scalar.value >= 32 && scalar.value != 127 && !(128..<160).contains(scalar.value)
          ? Character(scalar) : "?"
      }
    )
    return clean.isEmpty ? "an empty text" : clean
  }

  /// Whether a YAML 1.1 or 1.2 reader could take the unquoted text for a number, a time, a truth
  /// value or nothing.
  static func isAmbiguous(_ text: String) -> Bool {
    let words: Set<String> = [
      "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<",
    ]
    if words.contains(text.lowercased()) { return true }
    guard let first = text.utf8.first else { return true }
    guard (48...57).contains(first) || "+-.".utf8.contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || "+-._: abcdefABCDEFxXoOtTzZnNiI".utf8.contains(byte)
    }
  }
}
