/// A set of integers as sorted, disjoint, closed intervals.
struct IntervalSet<Bound: FixedWidthInteger & Sendable>: Hashable, Sendable {
  private(set) var intervals: [ClosedRange<Bound>]

  static var empty: IntervalSet { IntervalSet(intervals: []) }
  static var all: IntervalSet { IntervalSet(.min ... .max) }

  private init(intervals: [ClosedRange<Bound>]) {
    self.intervals = intervals
  }

  init(_ interval: ClosedRange<Bound>) {
    intervals = [interval]
  }

  /// The union of any intervals.
  init(union given: [ClosedRange<Bound>]) {
    intervals = []
    for interval in given.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = intervals.last,
        last.upperBound == .max || interval.lowerBound <= last.upperBound + 1
      {
        intervals[intervals.count - 1] =
          last.lowerBound...Swift.max(last.upperBound, interval.upperBound)
      } else {
        intervals.append(interval)
      }
    }
  }

  var isEmpty: Bool { intervals.isEmpty }
  var first: Bound? { intervals.first?.lowerBound }

  func contains(_ element: Bound) -> Bool {
    intervals.contains { $0.contains(element) }
  }

  func intersection(_ other: IntervalSet) -> IntervalSet {
    var result: [ClosedRange<Bound>] = []
    var left = 0
    var right = 0
    while left < intervals.count, right < other.intervals.count {
      let low = Swift.max(intervals[left].lowerBound, other.intervals[right].lowerBound)
      let high = Swift.min(intervals[left].upperBound, other.intervals[right].upperBound)
      if low <= high { result.append(low...high) }
      if intervals[left].upperBound < other.intervals[right].upperBound {
        left += 1
      } else {
        right += 1
      }
    }
    return IntervalSet(intervals: result)
  }

  /// Every integer that is not in the set.
  var complement: IntervalSet {
    var result: [ClosedRange<Bound>] = []
    var next: Bound? = .min
    for interval in intervals {
      if let low = next, low < interval.lowerBound {
        result.append(low...(interval.lowerBound - 1))
      }
      next = interval.upperBound == .max ? nil : interval.upperBound + 1
    }
    if let low = next { result.append(low ... .max) }
    return IntervalSet(intervals: result)
  }
}
