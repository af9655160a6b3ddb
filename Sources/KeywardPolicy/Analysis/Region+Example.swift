import KeywardModel

extension Region {
  /// A request of the region; nil if and only if there is none.
  func example() -> PolicyRequest? {
    guard !source.isEmpty, let moment,
      let operation = operations.operations.first,
      let kind = Principal.Kind.allCases.enumerated().first(where: {
        kinds >> UInt16($0.offset) & 1 == 1
      })?.element
    else { return nil }
    let length = pathLengths.trailingZeroBitCount
    let nameLength = nameLengths.trailingZeroBitCount
    guard length <= Self.longestPath, nameLength <= Self.longestName,
      let texts = texts(length, nameLength)
    else { return nil }
    let name = (0..<nameLength).map { texts[.namePart($0)] ?? "" }.joined(separator: "/")
    let path = (0..<length).map { texts[.segment($0)] ?? "" }.joined(separator: "/")
    guard let resource = ResourcePath(path) else { return nil }
    var claims: [String: String] = [:]
    for (variable, value) in texts {
      if case .attribute(.claim(let claim)) = variable { claims[claim] = value }
    }
    let principal = Principal(
      kind: kind,
      issuer: texts[.attribute(.issuer)],
      name: name,
      cluster: texts[.attribute(.cluster)],
      environment: texts[.attribute(.environment)],
      claims: claims,
      uid: kind == .unixPeer ? UInt32(name.dropFirst(4)) : nil
    )
    return PolicyRequest(
      principal: principal,
      operation: operation,
      resource: resource,
      time: Timestamp(milliseconds: moment),
      source: source.example
    )
  }

  /// The first moment of `times` that is in `week`.
  var moment: Int64? {
    for interval in times.intervals {
      let start = interval.lowerBound
      let offset = WeeklyWindow.millisecondOfWeek(Timestamp(milliseconds: start))
      var best: Int64?
      for window in week.intervals {
        let wait =
          window.contains(offset)
          ? 0
          : (window.lowerBound - offset + WeeklyWindow.millisecondsOfWeek)
            % WeeklyWindow.millisecondsOfWeek
        best = min(best ?? .max, wait)
      }
      guard let best else { return nil }
      let (found, overflow) = start.addingReportingOverflow(best)
      if !overflow, found <= interval.upperBound { return found }
    }
    return nil
  }

  /// Values for all texts that are present: equal where they must be, different where they must be.
  ///
  /// Texts that can be anything of a sort take values of their own, which differ from every other; so
  /// only texts of finitely many values have to be tried.
  private func texts(_ length: Int, _ nameLength: Int) -> [Variable: String]? {
    var variables = (0..<length).map { Variable.segment($0) }
    variables += (0..<nameLength).map { Variable.namePart($0) }
    let compared = (equal + different).flatMap { [$0.left, $0.right] }
    let attributed = Set(attributes.keys.map { Variable.attribute($0) } + compared)
      .union([.attribute(.issuer)])
    for variable in attributed {
      if case .attribute = variable { variables.append(variable) }
    }
    var group: [Variable: Int] = [:]
    for (number, variable) in variables.enumerated() { group[variable] = number }
    // Every text of a comparison is there: the lengths were narrowed before, the attributes present.
    for pair in equal {
      guard let left = group[pair.left], let right = group[pair.right] else { return nil }
      for (variable, number) in group where number == right { group[variable] = left }
    }
    var domains: [Int: ValueDomain] = [:]
    for variable in variables {
      guard let number = group[variable] else { return nil }
      domains[number] = domains[number]?.intersection(domain(variable)) ?? domain(variable)
    }
    var differences: [Int: Set<Int>] = [:]
    for pair in different {
      guard let left = group[pair.left], let right = group[pair.right], left != right else {
        return nil
      }
      differences[left, default: []].insert(right)
      differences[right, default: []].insert(left)
    }
    var used = Set(domains.values.flatMap { $0.finite ?? [] })
    var values: [Int: String] = [:]
    var finite: [(number: Int, values: [String])] = []
    let compares = Set((equal + different).flatMap { [group[$0.left], group[$0.right]] })
    for (number, domain) in domains.sorted(by: { $0.key < $1.key }) {
      if domain.mayBeAbsent, !compares.contains(number) { continue }
      if let choices = domain.finite {
        guard !choices.isEmpty else { return nil }
        finite.append((number, choices.sorted()))
      } else {
        guard let fresh = domain.fresh(used) else { return nil }
        used.insert(fresh)
        values[number] = fresh
      }
    }
    guard
      Self.assign(finite.sorted { $0.values.count < $1.values.count }[...], differences, &values)
    else { return nil }
    var texts: [Variable: String] = [:]
    for variable in variables {
      if let number = group[variable], let value = values[number] { texts[variable] = value }
    }
    return texts
  }

  private static func assign(
    _ finite: ArraySlice<(number: Int, values: [String])>,
    _ differences: [Int: Set<Int>],
    _ values: inout [Int: String]
  ) -> Bool {
    guard let next = finite.first else { return true }
    for value in next.values {
      let isTaken = differences[next.number, default: []].contains { values[$0] == value }
      if isTaken { continue }
      values[next.number] = value
      if assign(finite.dropFirst(), differences, &values) { return true }
    }
    values[next.number] = nil
    return false
  }
}
