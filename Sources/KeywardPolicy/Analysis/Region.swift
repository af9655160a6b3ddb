import KeywardModel

/// A set of requests: for each property what it can still be, and which texts are the same or differ.
///
/// Every rule of a policy, and what is left of a region without it, are finite unions of regions; and
/// whether a region has a request in it is decided exactly by ``example()``.
struct Region: Sendable {
  /// A text that others can be compared with.
  enum Variable: Hashable, Sendable {
    case segment(Int)
    case namePart(Int)
    case attribute(PolicyAttribute)
  }

  struct Pair: Hashable, Sendable {
    let left: Variable
    let right: Variable
  }

  /// The highest number of segments that is told apart; patterns have at most 16, so what holds for 17
  /// holds for all above.
  static let longestPath = ResourcePattern.longestPattern + 1
  static let longestName = NamePattern.longestPattern + 1
  static let allTimes = IntervalSet<Int64>(0...253_402_300_799_999)
  static let wholeWeek = IntervalSet<Int64>(0...(WeeklyWindow.millisecondsOfWeek - 1))

  var operations = OperationSet.all
  var kinds = UInt16.max
  var pathLengths: UInt64 = (1 << UInt64(longestPath + 1)) - 2
  var nameLengths: UInt64 = (1 << UInt64(longestName + 1)) - 2
  /// Attributes that are not `otherAttributes`.
  var attributes: [PolicyAttribute: ValueDomain] = [:]
  var otherAttributes = ValueDomain.anything
  var segments: [Int: ValueDomain] = [:]
  var nameParts: [Int: ValueDomain] = [:]
  var otherNameParts = ValueDomain.of(.namePart)
  var source = SourceSet.anything
  var times = allTimes
  var week = wholeWeek
  var equal: [Pair] = []
  var different: [Pair] = []

  func domain(_ variable: Variable) -> ValueDomain {
    switch variable {
    case .segment(let index): segments[index] ?? .of(.segment)
    case .namePart(let index): nameParts[index] ?? otherNameParts
    case .attribute(let attribute): attributes[attribute] ?? otherAttributes
    }
  }

  /// Narrows what a text can be; false if nothing is left.
  mutating func narrow(_ variable: Variable, _ domain: ValueDomain) -> Bool {
    let narrowed = self.domain(variable).intersection(domain)
    switch variable {
    case .segment(let index): segments[index] = narrowed
    case .namePart(let index): nameParts[index] = narrowed
    case .attribute(let attribute): attributes[attribute] = narrowed
    }
    return !narrowed.isEmpty
  }

  // MARK: - Narrowing

  /// The parts of the region where all of `constraints` are met; disjoint, none obviously empty.
  func meeting(_ constraints: some Sequence<Constraint>) -> [Region] {
    var regions = [self]
    for constraint in constraints {
      regions = regions.flatMap { $0.meeting(constraint) }
      if regions.isEmpty { break }
    }
    return regions
  }

  /// The parts of the region where not all of `constraints` are met; disjoint.
  func missing(_ constraints: [Constraint]) -> [Region] {
    var left: [Region] = []
    var inside = [self]
    for constraint in constraints {
      left += inside.flatMap { $0.missing(constraint) }
      inside = inside.flatMap { $0.meeting(constraint) }
      if inside.isEmpty { break }
    }
    return left
  }

  private func changed(_ change: (inout Region) -> Bool) -> [Region] {
    var region = self
    return change(&region) ? [region] : []
  }

  func meeting(_ constraint: Constraint) -> [Region] {
    switch constraint {
    case .operations(let set): return with(operations: set.bits)
    case .kinds(let kinds): return with(kinds: kinds)
    case .value(let attribute, let domain):
      return changed { $0.narrow(.attribute(attribute), domain) }
    case .pathLength(let lengths): return with(pathLengths: lengths)
    case .nameLength(let lengths): return with(nameLengths: lengths)
    case .segment(let index, let domain): return changed { $0.narrow(.segment(index), domain) }
    case .namePart(let index, let domain): return changed { $0.narrow(.namePart(index), domain) }
    case .segmentIsAttribute(let index, let attribute):
      return same(.segment(index), .attribute(attribute))
    case .segmentIsNamePart(let index, let part): return same(.segment(index), .namePart(part))
    case .source(let set):
      return changed {
        $0.source = $0.source.intersection(set)
        return !$0.source.isEmpty
      }
    case .time(let set):
      return changed {
        $0.times = $0.times.intersection(set)
        return $0.moment != nil
      }
    case .week(let set):
      return changed {
        $0.week = $0.week.intersection(set)
        return $0.moment != nil
      }
    case .not(let constraints): return missing(constraints)
    }
  }

  func missing(_ constraint: Constraint) -> [Region] {
    switch constraint {
    case .operations(let set): return with(operations: ~set.bits)
    case .kinds(let kinds): return with(kinds: ~kinds)
    case .value(let attribute, let domain):
      return changed { $0.narrow(.attribute(attribute), domain.complement) }
    case .pathLength(let lengths): return with(pathLengths: ~lengths)
    case .nameLength(let lengths): return with(nameLengths: ~lengths)
    case .segment(let index, let domain):
      return changed { $0.narrow(.segment(index), domain.complement) }
    case .namePart(let index, let domain):
      return changed { $0.narrow(.namePart(index), domain.complement) }
    case .segmentIsAttribute(let index, let attribute):
      let without = changed { $0.narrow(.attribute(attribute), .absent) }
      return without + differing(.segment(index), .attribute(attribute))
    case .segmentIsNamePart(let index, let part): return differing(.segment(index), .namePart(part))
    case .source(let set):
      return meeting(.source(set.complement))
    case .time(let set): return meeting(.time(set.complement))
    case .week(let set): return meeting(.week(set.complement))
    case .not(let constraints): return meeting(constraints)
    }
  }

  private func with(operations bits: UInt128) -> [Region] {
    guard operations.bits & bits != 0 else { return [] }
    return changed {
      $0.operations.bits &= bits
      return true
    }
  }

  private func with(kinds: UInt16) -> [Region] {
    guard self.kinds & kinds != 0 else { return [] }
    return changed {
      $0.kinds &= kinds
      return true
    }
  }

  private func with(pathLengths lengths: UInt64) -> [Region] {
    guard pathLengths & lengths != 0 else { return [] }
    return changed {
      $0.pathLengths &= lengths
      return true
    }
  }

  private func with(nameLengths lengths: UInt64) -> [Region] {
    guard nameLengths & lengths != 0 else { return [] }
    return changed {
      $0.nameLengths &= lengths
      return true
    }
  }

  private func same(_ left: Variable, _ right: Variable) -> [Region] {
    let both = domain(left).intersection(domain(right)).intersection(.present)
    return changed {
      guard !both.isEmpty, $0.narrow(left, both), $0.narrow(right, both),
        !$0.different.contains(Pair(left: left, right: right))
      else { return false }
      $0.equal.append(Pair(left: left, right: right))
      return true
    }
  }

  private func differing(_ left: Variable, _ right: Variable) -> [Region] {
    changed {
      guard !$0.equal.contains(Pair(left: left, right: right)), $0.narrow(right, .present) else {
        return false
      }
      $0.different.append(Pair(left: left, right: right))
      return true
    }
  }

  /// Whether the region surely has nothing in common with `other`; a quick look, not a decision.
  func isApart(from other: Region) -> Bool {
    if operations.bits & other.operations.bits == 0 || kinds & other.kinds == 0
      || pathLengths & other.pathLengths == 0 || nameLengths & other.nameLengths == 0
    {
      return true
    }
    for (index, domain) in segments where other.segments[index] != nil {
      if domain.intersection(other.domain(.segment(index))).isEmpty { return true }
    }
    for (index, domain) in nameParts where other.nameParts[index] != nil {
      if domain.intersection(other.domain(.namePart(index))).isEmpty { return true }
    }
    for (attribute, domain) in attributes
    where domain.intersection(other.domain(.attribute(attribute))).isEmpty {
      return true
    }
    return false
  }
}
