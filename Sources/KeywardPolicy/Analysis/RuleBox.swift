import KeywardModel

/// A rule as a list of constraints, all of which a request meets if the rule is about it.
///
/// A rule of a role becomes one box for each binding, subject and resource pattern. A class, since a
/// search holds many lists of them at a time.
final class RuleBox: Sendable {
  let constraints: [Constraint]
  /// A region that all of the box is in, for a quick look at what is apart.
  let hull: Region
  /// The binding and rule, or nil for a built-in binding and for approval rules.
  let reference: Explanation.RuleReference?
  /// The built-in binding.
  let builtIn: BuiltInBinding?
  /// What is required where this is the box of an approval rule.
  let requirement: ApprovalRequirement?

  /// Nil if no request can meet the constraints, as far as one can see.
  init?(
    _ constraints: [Constraint],
    reference: Explanation.RuleReference? = nil,
    builtIn: BuiltInBinding? = nil,
    requirement: ApprovalRequirement? = nil
  ) {
    var hull = Region()
    for constraint in constraints {
      if case .not = constraint { continue }
      guard let narrowed = hull.meeting(constraint).first else { return nil }
      hull = narrowed
    }
    self.constraints = constraints
    self.hull = hull
    self.reference = reference
    self.builtIn = builtIn
    self.requirement = requirement
  }

  func isApart(from region: Region) -> Bool { region.isApart(from: hull) }
}

extension Constraint {
  /// Lists of constraints: the request meets one of the lists whole.
  typealias Alternatives = [[Constraint]]

  /// Both of two.
  static func all(_ left: Alternatives, _ right: Alternatives) -> Alternatives {
    left.flatMap { one in right.map { one + $0 } }
  }

  static func kind(_ kinds: [Principal.Kind]) -> Constraint {
    var bits: UInt16 = 0
    for (index, kind) in Principal.Kind.allCases.enumerated() where kinds.contains(kind) {
      bits |= 1 << UInt16(index)
    }
    return .kinds(bits)
  }

  static let nameableKinds = kind(
    Principal.Kind.allCases.filter { $0 != .server && $0 != .anonymous }
  )

  static func subject(_ subject: PolicySubject) -> [Constraint] {
    var constraints: [Constraint] = []
    constraints.append(subject.kind.map { kind([$0]) } ?? nameableKinds)
    if case .literal(let issuer) = subject.issuer {
      constraints.append(.value(.issuer, .only([issuer])))
    }
    if let name = subject.name { constraints += self.name(name) }
    constraints += match(.cluster, subject.cluster) + match(.environment, subject.environment)
    return constraints
  }

  private static func match(
    _ attribute: PolicyAttribute,
    _ match: PolicySubject.Match?
  ) -> [Constraint] {
    switch match {
    case nil: []
    case .present: [.value(attribute, .present)]
    case .literal(let value): [.value(attribute, .only([value]))]
    }
  }

  static func name(_ pattern: NamePattern) -> [Constraint] {
    var constraints = [
      Constraint.nameLength(lengths(pattern.segments.count, pattern.hasRest, Region.longestName))
    ]
    for (index, segment) in pattern.segments.enumerated() {
      constraints.append(.namePart(index, segment.map { .only([$0]) } ?? .except([""])))
    }
    return constraints
  }

  static func name(_ literal: String) -> [Constraint] {
    let parts = literal.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count < Region.longestName else { return [.nameLength(0)] }
    return [.nameLength(1 << UInt64(parts.count))]
      + parts.enumerated().map { .namePart($0.offset, .only([String($0.element)])) }
  }

  static func resource(_ pattern: ResourcePattern) -> [Constraint] {
    var constraints = [
      Constraint.pathLength(lengths(pattern.segments.count, pattern.hasRest, Region.longestPath))
    ]
    for (index, segment) in pattern.segments.enumerated() {
      switch segment {
      case .any: break
      case .literal(let text): constraints.append(.segment(index, .only([text])))
      case .attribute(.name):
        constraints += [.nameLength(0b10), .segmentIsNamePart(index, 0)]
      case .attribute(let attribute): constraints.append(.segmentIsAttribute(index, attribute))
      }
    }
    return constraints
  }

  private static func lengths(_ count: Int, _ hasRest: Bool, _ longest: Int) -> UInt64 {
    guard hasRest else { return 1 << UInt64(count) }
    let all = (UInt64(1) << UInt64(longest + 1)) - 1
    return all & ~((UInt64(1) << UInt64(count + 1)) - 1)
  }

  static func expiry(_ expires: Timestamp?) -> [Constraint] {
    guard let expires else { return [] }
    return [.time(times(nil, expires))]
  }

  private static func times(_ from: Timestamp?, _ to: Timestamp?) -> IntervalSet<Int64> {
    let low = from?.milliseconds ?? .min
    guard let to else { return IntervalSet(low ... .max) }
    guard low < to.milliseconds else { return .empty }
    return IntervalSet(low...(to.milliseconds - 1))
  }

  static func condition(_ condition: PolicyCondition) -> Alternatives {
    switch condition {
    case .isIn(.kind, let values):
      return [[kind(values.compactMap { Principal.Kind(rawValue: $0) })]]
    case .isNotIn(.kind, let values):
      return [[kind(Principal.Kind.allCases.filter { !values.contains($0.rawValue) })]]
    case .isIn(.name, let values): return Set(values).sorted().map { name($0) }
    case .isNotIn(.name, let values): return [Set(values).sorted().map { .not(name($0)) }]
    case .isIn(let attribute, let values): return [[.value(attribute, .only(values))]]
    case .isNotIn(let attribute, let values): return [[.value(attribute, .except(values))]]
    case .source(let networks): return [[.source(SourceSet(networks))]]
    case .period(let from, let to): return [[.time(times(from, to))]]
    case .weekly(let window):
      let minute = Int64(60_000)
      let intervals = window.days.map { day in
        let start = Int64(day.rawValue) * WeeklyWindow.millisecondsOfDay
        return (start + Int64(window.from) * minute)...(start + Int64(window.to) * minute - 1)
      }
      return [[.week(IntervalSet(union: intervals))]]
    }
  }

  /// Every condition at once.
  ///
  /// Lists of names come together first, since each name is an alternative: three lists of a thousand
  /// would else be a thousand million of them.
  static func conditions(_ conditions: [PolicyCondition]) -> Alternatives {
    var names: Set<String>?
    var others: Alternatives = [[]]
    for one in conditions {
      if case .isIn(.name, let values) = one {
        names = names?.intersection(values) ?? Set(values)
      } else {
        others = all(others, condition(one))
      }
    }
    guard let names else { return others }
    return all(condition(.isIn(.name, names.sorted())), others)
  }
}
