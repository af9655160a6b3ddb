import KeywardModel

/// Resource patterns in a trie, so that a look-up visits only what can match.
///
/// Segments are numbers that ``SegmentTable`` gives out; an unknown segment matches no literal.
struct PatternIndex: Sendable {
  /// What a pattern leads to: a rule, and the operations that it is about.
  struct Entry: Sendable {
    let operations: OperationSet
    let rule: Int32
  }

  private struct Node: Sendable {
    var literals: [Int32: Int32] = [:]
    var any: Int32?
    var attributes: [(PolicyAttribute, Int32)] = []
    /// Patterns that end here.
    var here: [Entry] = []
    /// Patterns that go on with `**`.
    var rest: [Entry] = []
  }

  private var nodes = [Node()]

  var isEmpty: Bool { nodes.count == 1 && nodes[0].here.isEmpty && nodes[0].rest.isEmpty }

  mutating func insert(_ pattern: ResourcePattern, _ entry: Entry, _ table: inout SegmentTable) {
    var node = 0
    for segment in pattern.segments {
      switch segment {
      case .literal(let text):
        let number = table.number(adding: text)
        node = Int(nodes[node].literals[number] ?? add { $0[node].literals[number] = $1 })
      case .any:
        node = Int(nodes[node].any ?? add { $0[node].any = $1 })
      case .attribute(let attribute):
        let known = nodes[node].attributes.first { $0.0 == attribute }?.1
        node = Int(known ?? add { $0[node].attributes.append((attribute, $1)) })
      }
    }
    if pattern.hasRest { nodes[node].rest.append(entry) } else { nodes[node].here.append(entry) }
  }

  private mutating func add(_ link: (inout [Node], Int32) -> Void) -> Int32 {
    let number = Int32(nodes.count)
    nodes.append(Node())
    link(&nodes, number)
    return number
  }

  /// The first rule for which `body` is true, of those whose resources and operations match.
  func first(
    _ request: PolicyRequest,
    _ path: [Int32],
    _ bit: UInt128,
    _ body: (Int) -> Bool
  ) -> Int? {
    search(0, 0, request, path, bit, body)
  }

  private func search(
    _ node: Int,
    _ depth: Int,
    _ request: PolicyRequest,
    _ path: [Int32],
    _ bit: UInt128,
    _ body: (Int) -> Bool
  ) -> Int? {
    let node = nodes[node]
    guard depth < path.count else { return Self.first(node.here, bit, body) }
    if !node.literals.isEmpty, path[depth] != SegmentTable.unknown,
      let next = node.literals[path[depth]],
      let found = search(Int(next), depth + 1, request, path, bit, body)
    {
      return found
    }
    for (attribute, next) in node.attributes {
      if let value = attribute.value(of: request.principal),
        request.resource.segments[depth].isExactly(value),
        let found = search(Int(next), depth + 1, request, path, bit, body)
      {
        return found
      }
    }
    if let next = node.any, let found = search(Int(next), depth + 1, request, path, bit, body) {
      return found
    }
    return Self.first(node.rest, bit, body)
  }

  private static func first(_ entries: [Entry], _ bit: UInt128, _ body: (Int) -> Bool) -> Int? {
    for entry in entries where entry.operations.bits & bit != 0 {
      if body(Int(entry.rule)) { return Int(entry.rule) }
    }
    return nil
  }
}

/// Numbers for the segments that patterns name, so that a request's path is hashed once and not in
/// every role.
struct SegmentTable: Sendable {
  static let unknown: Int32 = -1

  private var numbers: [Substring: Int32] = [:]

  mutating func number(adding text: String) -> Int32 {
    if let number = numbers[text[...]] { return number }
    let number = Int32(numbers.count)
    numbers[text[...]] = number
    return number
  }

  func numbers(of path: ResourcePath) -> [Int32] {
    path.segments.map { numbers[$0] ?? Self.unknown }
  }
}
