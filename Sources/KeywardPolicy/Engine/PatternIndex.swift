import KeywardModel

/// Resource patterns in a trie, so that a look-up visits only what can match.
///
/// Segments are numbers that ``SegmentTable`` gives out; an unknown segment matches no literal. Nodes
/// are read where they are, and what needs no look at the rule says so itself: a decision's time goes
/// into counting references otherwise.
struct PatternIndex: Sendable {
  /// What a pattern leads to: a rule, and the operations that it is about.
  struct Entry: Sendable {
    let operations: UInt128
    let rule: Int32
    /// Whether the rule has neither conditions nor an expiry.
    let isAlways: Bool

    init(_ operations: OperationSet, rule: Int, isAlways: Bool) {
      self.operations = operations.bits
      self.rule = Int32(rule)
      self.isAlways = isAlways
    }
  }

  private struct Node: Sendable {
    var literals: [Int32: Int32] = [:]
    var any: Int32 = -1
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
        let known = nodes[node].any
        node = Int(known >= 0 ? known : add { $0[node].any = $1 })
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

  /// The first of `rules` whose resources and operations match and that counts; -1 if none.
  func first(
    _ asked: borrowing AskedPath,
    _ request: borrowing PolicyRequest,
    of rules: [PolicyRule],
    from node: Int = 0,
    depth: Int = 0
  ) -> Int {
    guard depth < asked.count else { return first(nodes[node].here, asked, request, rules) }
    if !nodes[node].literals.isEmpty, asked.numbers[depth] != SegmentTable.unknown,
      let next = nodes[node].literals[asked.numbers[depth]]
    {
      let found = first(asked, request, of: rules, from: Int(next), depth: depth + 1)
      if found >= 0 { return found }
    }
    if !nodes[node].attributes.isEmpty {
      for (attribute, next) in nodes[node].attributes
      where attribute.isSegment(depth, of: request) {
        let found = first(asked, request, of: rules, from: Int(next), depth: depth + 1)
        if found >= 0 { return found }
      }
    }
    if nodes[node].any >= 0 {
      let next = Int(nodes[node].any)
      let found = first(asked, request, of: rules, from: next, depth: depth + 1)
      if found >= 0 { return found }
    }
    return nodes[node].rest.isEmpty ? -1 : first(nodes[node].rest, asked, request, rules)
  }

  private func first(
    _ entries: [Entry],
    _ asked: borrowing AskedPath,
    _ request: borrowing PolicyRequest,
    _ rules: [PolicyRule]
  ) -> Int {
    for entry in entries where entry.operations & asked.bit != 0 {
      if entry.isAlways || rules[Int(entry.rule)].counts(for: request) { return Int(entry.rule) }
    }
    return -1
  }

  /// Adds the rules of all entries whose resources and operations match.
  func find(
    _ asked: borrowing AskedPath,
    _ request: borrowing PolicyRequest,
    _ found: inout Set<Int>,
    from node: Int = 0,
    depth: Int = 0
  ) {
    func add(_ entries: [Entry], _ bit: UInt128) {
      for entry in entries where entry.operations & bit != 0 { found.insert(Int(entry.rule)) }
    }
    guard depth < asked.count else {
      add(nodes[node].here, asked.bit)
      return
    }
    add(nodes[node].rest, asked.bit)
    if let next = nodes[node].literals[asked.numbers[depth]] {
      find(asked, request, &found, from: Int(next), depth: depth + 1)
    }
    for (attribute, next) in nodes[node].attributes
    where attribute.isSegment(depth, of: request) {
      find(asked, request, &found, from: Int(next), depth: depth + 1)
    }
    if nodes[node].any >= 0 {
      find(asked, request, &found, from: Int(nodes[node].any), depth: depth + 1)
    }
  }
}

extension PolicyAttribute {
  /// Whether the segment is exactly the principal's value.
  fileprivate func isSegment(_ index: Int, of request: borrowing PolicyRequest) -> Bool {
    guard let value = value(of: request.principal) else { return false }
    return request.resource.segments[index].isExactly(value)
  }
}

/// The path and operation of a request, as numbers; made once for all roles.
struct AskedPath {
  let bit: UInt128
  let count: Int
  var numbers: InlineArray<32, Int32>

  init(_ request: PolicyRequest, _ table: SegmentTable) {
    bit = request.operation.bit
    count = request.resource.segments.count
    numbers = InlineArray(repeating: SegmentTable.unknown)
    for index in 0..<count { numbers[index] = table.number(of: request.resource.segments[index]) }
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

  func number(of segment: Substring) -> Int32 { numbers[segment] ?? Self.unknown }
}
