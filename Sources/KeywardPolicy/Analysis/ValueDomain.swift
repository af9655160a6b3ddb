import KeywardModel

/// The values that a text can still have: a finite set, or all of a sort but a finite set; and perhaps
/// that it is absent.
struct ValueDomain: Hashable, Sendable {
  /// What texts there are, each sort within the one before it; there are always more of a sort than a
  /// policy names.
  enum Sort: Int, Comparable, Sendable {
    /// Any text.
    case any
    /// A part of a name between slashes: without `/`, perhaps empty.
    case namePart
    /// A segment of a resource.
    case segment
    /// `uid:N`.
    case uid

    static func < (left: Sort, right: Sort) -> Bool { left.rawValue < right.rawValue }

    func contains(_ text: String) -> Bool {
      switch self {
      case .any: true
      case .namePart: !text.utf8.contains(UInt8(ascii: "/"))
      case .segment: ResourcePath.isSegment(text)
      case .uid:
        text.hasPrefix("uid:")
          && UInt32(text.dropFirst(4)).map { "uid:\($0)" == text } ?? false
      }
    }
  }

  private enum Values: Hashable, Sendable {
    case only(Set<String>)
    case except(Set<String>, Sort)
  }

  private(set) var mayBeAbsent: Bool
  private var values: Values

  /// Absent, or any text.
  static let anything = ValueDomain(mayBeAbsent: true, values: .except([], .any))
  /// Any text.
  static let present = ValueDomain(mayBeAbsent: false, values: .except([], .any))
  static let absent = ValueDomain(mayBeAbsent: true, values: .only([]))

  static func of(_ sort: Sort) -> ValueDomain {
    ValueDomain(mayBeAbsent: false, values: .except([], sort))
  }

  static func only(_ values: some Sequence<String>) -> ValueDomain {
    ValueDomain(mayBeAbsent: false, values: .only(Set(values)))
  }

  /// Present, and none of these.
  static func except(_ values: some Sequence<String>) -> ValueDomain {
    ValueDomain(mayBeAbsent: false, values: .except(Set(values), .any))
  }

  var isEmpty: Bool { !mayBeAbsent && !mayBePresent }

  var mayBePresent: Bool {
    switch values {
    case .only(let set): !set.isEmpty
    case .except: true
    }
  }

  /// Whether a text, or its absence, is in the domain; by its bytes.
  func contains(_ text: String?) -> Bool {
    guard let text else { return mayBeAbsent }
    return switch values {
    case .only(let set): set.contains { $0.isExactly(text) }
    case .except(let set, let sort): !set.contains { $0.isExactly(text) } && sort.contains(text)
    }
  }

  /// The values if there are finitely many.
  var finite: Set<String>? {
    guard case .only(let set) = values else { return nil }
    return set
  }

  func intersection(_ other: ValueDomain) -> ValueDomain {
    let values: Values
    switch (self.values, other.values) {
    case (.only(let left), .only(let right)): values = .only(left.intersection(right))
    case (.only(let set), .except(let out, let sort)), (.except(let out, let sort), .only(let set)):
      values = .only(set.filter { !out.contains($0) && sort.contains($0) })
    case (.except(let left, let one), .except(let right, let two)):
      values = .except(left.union(right), max(one, two))
    }
    return ValueDomain(mayBeAbsent: mayBeAbsent && other.mayBeAbsent, values: values)
  }

  /// Everything, absence too, that is not in this domain of any sort.
  ///
  /// Only for domains that a policy spells, which are never of a narrower sort.
  var complement: ValueDomain {
    switch values {
    case .only(let set): ValueDomain(mayBeAbsent: !mayBeAbsent, values: .except(set, .any))
    case .except(let set, _): ValueDomain(mayBeAbsent: !mayBeAbsent, values: .only(set))
    }
  }

  /// A value of the domain that is none of `used`; only for domains that are not finite.
  func fresh(_ used: Set<String>) -> String? {
    guard case .except(let out, let sort) = values else { return nil }
    let stem = sort == .uid ? "uid:" : "any"
    var number = sort == .uid ? 70_000 : 1
    while true {
      let candidate = stem + "\(number)"
      if !out.contains(candidate), !used.contains(candidate) { return candidate }
      number += 1
    }
  }
}
