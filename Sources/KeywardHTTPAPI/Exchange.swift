import NIOCore

/// A request under way on one connection.
final class Exchange {
  let requestID: String
  let head: RequestHead?
  let start: NIODeadline
  var keepsAlive: Bool
  var hasAnswer = false
  /// The seconds to wait, for a request over its rate.
  var delay: Int?
  /// Holds the body's share of memory until the handler has replied.
  var body: BodyCollector?
  var task: Task<Void, Never>?

  init(requestID: String, head: RequestHead?, start: NIODeadline, keepsAlive: Bool) {
    self.requestID = requestID
    self.head = head
    self.start = start
    self.keepsAlive = keepsAlive
  }
}
