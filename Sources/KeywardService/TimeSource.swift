package import KeywardModel

/// Where the service reads the time; tests give one they move by hand.
package protocol TimeSource: Sendable {
  /// The wall clock.
  func now() -> Timestamp
}
