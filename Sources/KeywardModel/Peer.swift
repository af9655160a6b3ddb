/// Who is at the other end of a connection, before it says a word.
package enum Peer: Hashable, Sendable {
  /// A process on a Unix socket, as the kernel noted at its `connect()` (SO_PEERCRED).
  ///
  /// The pid may be reused: it is for the log alone.
  case unix(uid: UInt32, pid: Int32)
  /// A network connection, and the certificates of its TLS handshake: DER, leaf first.
  ///
  /// The handshake proved that the peer has the leaf's private key and nothing else. Whether an
  /// authority is trusted, a certificate revoked or out of its time is decided at each request.
  case network(NetworkAddress, certificates: [[UInt8]])

  /// The address as the kernel says it; nil on Unix sockets.
  package var source: NetworkAddress? {
    switch self {
    case .unix: nil
    case .network(let address, _): address
    }
  }

  /// DER, leaf first; empty without a client certificate.
  package var certificates: [[UInt8]] {
    switch self {
    case .unix: []
    case .network(_, let certificates): certificates
    }
  }
}

extension Peer {
  /// The identity of a process on a Unix socket.
  package var unixPrincipal: Principal? {
    guard case .unix(let uid, let pid) = self else { return nil }
    return Principal(kind: .unixPeer, name: "uid:\(uid)", uid: uid, pid: pid)
  }
}
