extension StringProtocol {
  /// Whether both are the same bytes.
  ///
  /// `==` also takes canonically equivalent texts for equal: an identity whose name has the Kelvin sign
  /// would pass as one with a `K`.
  func isExactly(_ other: some StringProtocol) -> Bool {
    utf8.elementsEqual(other.utf8)
  }
}
