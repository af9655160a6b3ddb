extension StringProtocol {
  /// Whether both are the same bytes, where one of them is ASCII: a literal of a policy, or a segment.
  ///
  /// `==` also takes canonically equivalent texts for equal: an identity whose name has the Kelvin sign
  /// would pass as one with a `K`. What is equivalent to ASCII and is not the same bytes is longer.
  func isExactly(_ other: some StringProtocol) -> Bool {
    utf8.count == other.utf8.count && self == other
  }
}

extension String {
  /// The same for two strings, which have a faster comparison.
  func isExactly(_ other: String) -> Bool {
    utf8.count == other.utf8.count && self == other
  }
}
