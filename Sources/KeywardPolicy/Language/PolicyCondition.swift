package import KeywardModel

/// One thing that must hold besides who asks for what; all conditions of a rule must.
///
/// A condition on an attribute that the principal does not have never holds, neither `in` nor
/// `not_in`, and one on the source address never holds without an address (a Unix socket).
package enum PolicyCondition: Hashable, Sendable {
  /// The attribute is there, and its value is one of these.
  case isIn(PolicyAttribute, [String])
  /// The attribute is there, and its value is none of these.
  case isNotIn(PolicyAttribute, [String])
  /// The peer's address is in one of these networks.
  case source([NetworkPrefix])
  /// `notBefore` <= time < `notAfter`.
  case period(notBefore: Timestamp?, notAfter: Timestamp?)
  /// Every week in UTC, on these days: `from` <= time of day < `to`.
  case weekly(WeeklyWindow)

  package func holds(_ request: PolicyRequest) -> Bool {
    switch self {
    case .isIn(let attribute, let values):
      guard let value = attribute.value(of: request.principal) else { return false }
      return values.contains { value.isExactly($0) }
    case .isNotIn(let attribute, let values):
      guard let value = attribute.value(of: request.principal) else { return false }
      return !values.contains { value.isExactly($0) }
    case .source(let networks):
      guard let source = request.source else { return false }
      return networks.contains { $0.contains(source) }
    case .period(let notBefore, let notAfter):
      if let notBefore, request.time < notBefore { return false }
      if let notAfter, request.time >= notAfter { return false }
      return true
    case .weekly(let window):
      return window.contains(request.time)
    }
  }
}

/// Days of the week with a time of day, in UTC.
package struct WeeklyWindow: Hashable, Sendable {
  package enum Day: Int, CaseIterable, Sendable {
    case monday, tuesday, wednesday, thursday, friday, saturday, sunday

    /// `mon` to `sun`.
    package var spelling: String {
      ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][rawValue]
    }
  }

  package static let millisecondsOfDay: Int64 = 86_400_000
  package static let millisecondsOfWeek: Int64 = 7 * millisecondsOfDay

  /// In the order of the week, each once.
  package let days: [Day]
  /// Minutes after midnight; `from` < `to` <= 1440.
  package let from: Int
  package let to: Int

  package init(days: [Day], from: Int, to: Int) {
    self.days = Day.allCases.filter(days.contains)
    self.from = from
    self.to = to
  }

  /// Milliseconds since the beginning of Monday, of the week that `time` is in.
  package static func millisecondOfWeek(_ time: Timestamp) -> Int64 {
    // 1970-01-01 was a Thursday.
    let shifted = time.milliseconds % millisecondsOfWeek + 3 * millisecondsOfDay
    return (shifted % millisecondsOfWeek + millisecondsOfWeek) % millisecondsOfWeek
  }

  package func contains(_ time: Timestamp) -> Bool {
    let moment = Self.millisecondOfWeek(time)
    let ofDay = moment % Self.millisecondsOfDay
    guard ofDay >= Int64(from) * 60_000, ofDay < Int64(to) * 60_000 else { return false }
    return days.contains { Int64($0.rawValue) == moment / Self.millisecondsOfDay }
  }
}
