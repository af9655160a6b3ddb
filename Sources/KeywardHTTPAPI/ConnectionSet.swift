import NIOCore
import Synchronization

/// The open connections of a server, to tell them when it stops.
final class ConnectionSet: Sendable {
  /// Fired into a connection's pipeline: answer what is being asked, then close.
  struct DrainEvent: Sendable {}

  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isDraining = false
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.channels.count } }

  /// False when the server stops already.
  func insert(_ channel: any Channel) -> Bool {
    state.withLock { state in
      guard !state.isDraining else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      return true
    }
  }

  func remove(_ channel: any Channel) {
    state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  func drain() {
    for channel in begin() { channel.pipeline.fireUserInboundEventTriggered(DrainEvent()) }
  }

  func closeAll() async {
    for channel in begin() { try? await channel.close() }
  }

  private func begin() -> [any Channel] {
    state.withLock { state in
      state.isDraining = true
      return Array(state.channels.values)
    }
  }
}
