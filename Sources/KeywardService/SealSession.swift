import KeywardKeyring
import KeywardModel

/// The seal's state machine, and what exists only while it is open.
struct SealSession: Sendable {
  var state = SealState(seals: [])
  var open: UnsealedState?
  /// Why the server is sealed, when there is more to say than that nobody unsealed it.
  var reason: String?

  /// The open state; throws what a caller is told otherwise.
  func unsealed() throws(ServiceError) -> UnsealedState {
    if state.phase == .unsealed, let open { return open }
    if state.phase == .uninitialized { throw .notInitialized }
    throw .sealed
  }
}
