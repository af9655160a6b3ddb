import KeywardModel
import KeywardPolicy

/// Every request that can make a difference to some policies: a small universe, and a complete one.
///
/// A decision asks of a request only which of a few statements are true: an operation is in a set, a
/// value is one of those that are spelled, a segment is a literal or the value of an attribute, a name
/// has a pattern, an address is in a network, a time is in a window. For each part of a request the
/// universe has every value that the policies spell, values that none of them spells, and absence;
/// values of attributes that templates compare with the same segment can be equal or not. Times and
/// addresses are those where a window or network begins, and where it has just ended. So what is true
/// of every request of the universe is true of every request there is.
struct Universe {
  private(set) var principals: [Principal] = []
  private let operations: [ServiceOperation]
  let moments: [Timestamp]
  let sources: [NetworkAddress?]
  private let paths: Paths

  /// Takes every request that the policies tell apart.
  ///
  /// - Parameters:
  ///   - sets: The policies.
  ///   - officers: The uids that a built-in binding gives everything.
  ///   - writer: Somebody whose own requests are looked at too, for the same resources.
  ///   - only: Which principals there are.
  init(
    _ sets: [PolicySet],
    officers: Set<UInt32>,
    writer: Principal? = nil,
    only: (Principal) -> Bool = { _ in true }
  ) {
    let spelled = Spelled(sets)
    operations = spelled.operations
    moments = spelled.moments
    sources = spelled.sources
    paths = Paths(spelled, writer)
    var seen: Set<PrincipalUniverse.Traits> = []
    PrincipalUniverse(spelled, paths, officers).walk { principal, traits in
      if only(principal), seen.insert(traits).inserted { principals.append(principal) }
    }
    if let writer, only(writer) { principals.append(writer) }
  }

  /// How many requests there are.
  var count: Int {
    principals.reduce(0) { $0 + paths.of($1).count } * operations.count * moments.count
      * sources.count
  }

  func walk(_ body: (PolicyRequest) throws -> Void) rethrows {
    for principal in principals {
      for path in paths.of(principal) {
        for operation in operations {
          for time in moments {
            for source in sources {
              try body(
                PolicyRequest(
                  principal: principal,
                  operation: operation,
                  resource: path,
                  time: time,
                  source: source
                )
              )
            }
          }
        }
      }
    }
  }
}

/// Everything that some policies spell, by where it stands.
struct Spelled {
  var subjects: Set<PolicySubject> = []
  /// The subjects of approval trees, which are among `subjects` too.
  var approvers: Set<PolicySubject> = []
  var conditions: Set<PolicyCondition> = []
  var patterns: Set<ResourcePattern> = []
  private(set) var operationPatterns: Set<[String]> = []
  /// How every text begins that the policies do not spell.
  let fresh: String
  private var expiries: Set<Timestamp> = []

  init(_ sets: [PolicySet]) {
    let texts = sets.map(\.canonicalText)
    var number = 0
    while texts.contains(where: { $0.contains("f\(number)") }) { number += 1 }
    fresh = "f\(number)"
    for document in sets.flatMap(\.documents) {
      switch document.body {
      case .role(let role):
        for rule in role.rules {
          conditions.formUnion(rule.conditions)
          patterns.formUnion(rule.resources)
          operationPatterns.insert(rule.operationPatterns)
          if let expires = rule.expires { expiries.insert(expires) }
        }
      case .binding(let binding):
        subjects.formUnion(binding.subjects)
        conditions.formUnion(binding.conditions)
        if let expires = binding.expires { expiries.insert(expires) }
      case .approvalRule(let rule):
        conditions.formUnion(rule.conditions)
        patterns.formUnion(rule.resources)
        operationPatterns.insert(rule.operationPatterns)
        for node in rule.tree.nodes { approvers.formUnion(node.subjects) }
      }
    }
    subjects.formUnion(approvers)
  }

  /// One operation of each sort that the policies and the built-in bindings tell apart.
  var operations: [ServiceOperation] {
    let patterns = operationPatterns.sorted { $0.description < $1.description }
    var seen: Set<[Bool]> = []
    return ServiceOperation.allCases.filter { operation in
      let noun = operation.rawValue.prefix { $0 != ":" }
      let spelt = patterns.map { list in
        !Set(list).isDisjoint(with: ["*", operation.rawValue, noun + ":*"])
      }
      let builtIn = [
        [.selfRead, .selfRenew, .selfRevoke].contains(operation),
        [.keyEncrypt, .keyDecrypt].contains(operation),
      ]
      return seen.insert(spelt + builtIn).inserted
    }
  }

  /// The beginning of each stretch of time in which the policies do not change, weekly ones at their
  /// first time in each longer one.
  var moments: [Timestamp] {
    let week: Int64 = 7 * 86_400_000
    var starts: Set<Int64> = [0]
    for time in expiries { starts.insert(time.milliseconds) }
    // A window of the week begins and ends at these, from the beginning of 1970, a Thursday.
    var edges: Set<Int64> = []
    for condition in conditions {
      switch condition {
      case .period(let from, let to):
        starts.formUnion([from, to].compactMap { $0?.milliseconds })
      case .weekly(let window):
        for day in window.days {
          for minute in [window.from, window.to] {
            let edge = Int64(day.rawValue + 4) * 86_400_000 + Int64(minute) * 60_000
            edges.insert(edge % week)
          }
        }
      default: break
      }
    }
    let sorted = starts.filter { $0 >= 0 }.sorted()
    var moments = Set(sorted)
    for (index, start) in sorted.enumerated() {
      let end = index + 1 < sorted.count ? sorted[index + 1] : .max
      for edge in edges {
        let first = start + (edge - start % week + week) % week
        if first < end { moments.insert(first) }
      }
    }
    return moments.sorted().map { Timestamp(milliseconds: $0) }
  }

  /// No address, and for each kind of address where a network begins or has ended.
  var sources: [NetworkAddress?] {
    let networks = conditions.flatMap { condition -> [NetworkPrefix] in
      if case .source(let networks) = condition { return networks }
      return []
    }
    guard !networks.isEmpty else { return [nil] }
    var texts: Set<[UInt8]> = [[0, 0, 0, 0], Array(repeating: 0, count: 16)]
    for network in networks {
      var first = network.address.bytes
      var last = first
      for bit in network.length..<(first.count * 8) {
        first[bit / 8] &= ~(0x80 >> UInt8(bit % 8))
        last[bit / 8] |= 0x80 >> UInt8(bit % 8)
      }
      texts.insert(first)
      // The next address after the last one, if there is one.
      var index = last.count - 1
      while index >= 0, last[index] == 255 {
        last[index] = 0
        index -= 1
      }
      if index >= 0 {
        last[index] += 1
        texts.insert(last)
      }
    }
    return [nil]
      + texts.sorted {
        $0.count == $1.count ? $0.lexicographicallyPrecedes($1) : $0.count < $1.count
      }
      .map { NetworkAddress($0) }
  }

  /// The values that rules spell for an attribute.
  func values(of attribute: PolicyAttribute) -> Set<String> {
    var values: Set<String> = []
    for condition in conditions {
      switch condition {
      case .isIn(attribute, let list), .isNotIn(attribute, let list): values.formUnion(list)
      default: break
      }
    }
    for subject in subjects {
      let match: PolicySubject.Match? =
        switch attribute {
        case .issuer: subject.issuer
        case .cluster: subject.cluster
        case .environment: subject.environment
        default: nil
        }
      if case .literal(let value)? = match { values.insert(value) }
    }
    return values
  }
}

/// The resources that make a difference to one who asks.
struct Paths {
  /// By place: the literals and the attributes that patterns have there.
  let literals: [Set<String>]
  let attributes: [Set<PolicyAttribute>]
  private let length: Int
  private let fresh: String

  /// With a writer, the values of the writer's attributes stand beside the literals.
  init(_ spelled: Spelled, _ writer: Principal?) {
    // One segment more than in any pattern is as good as ten.
    length = (spelled.patterns.map(\.segments.count).max() ?? 0) + 1
    var literals = [Set<String>](repeating: [], count: max(length, 2))
    var attributes = [Set<PolicyAttribute>](repeating: [], count: max(length, 2))
    // What the built-in bindings spell: one's own identity, and the key of a KMS socket's own.
    literals[0].formUnion(["keys", "self"])
    for pattern in spelled.patterns {
      for (index, segment) in pattern.segments.enumerated() {
        switch segment {
        case .any: break
        case .literal(let text): literals[index].insert(text)
        case .attribute(let attribute):
          attributes[index].insert(attribute)
          if let value = writer.flatMap({ attribute.value(of: $0) }) {
            literals[index].insert(value)
          }
        }
      }
    }
    self.literals = literals
    self.attributes = attributes
    fresh = spelled.fresh + "s"
  }

  func of(_ principal: Principal) -> [ResourcePath] {
    var found = ["self"]
    if principal.kind == .kmsSocket { found.append("keys/" + principal.name) }
    var paths = [""]
    for index in 0..<length {
      var segments = literals[index].union([fresh])
      segments.formUnion(attributes[index].compactMap { $0.value(of: principal) })
      let valid = segments.filter { ResourcePath.isSegment($0) }.sorted()
      paths = paths.flatMap { path in valid.map { path.isEmpty ? $0 : path + "/" + $0 } }
      found += paths
    }
    return Set(found).sorted().compactMap { ResourcePath($0) }
  }
}
