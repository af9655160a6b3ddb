import KeywardModel
import NIOCore

extension NetworkAddress {
  /// The address of a TCP peer, without its zone; nil for a Unix socket.
  init?(_ address: SocketAddress) {
    guard let text = address.ipAddress else { return nil }
    self.init(String(text.prefix { $0 != "%" }))
  }
}
