import Synchronization

/// One transport for each set of authorities, so that exports in a row use the same connections.
///
/// A transport has no credentials: each request brings its own.
final class KeptTransports: Sendable {
  /// Few, since an administrator names them; more start anew.
  private static let most = 16

  private let kept = Mutex<[String: CurlTransport]>([:])

  /// The transport that trusts the authorities of a PEM text, or those of the system.
  func transport(_ authorities: String?) -> CurlTransport {
    kept.withLock { kept in
      let name = authorities ?? ""
      if let transport = kept[name] { return transport }
      if kept.count >= Self.most { kept.removeAll() }
      let transport = CurlTransport(authorityText: authorities)
      kept[name] = transport
      return transport
    }
  }
}
