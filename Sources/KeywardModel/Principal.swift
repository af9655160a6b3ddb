/// Who asks: an authenticated identity, never a claim of the request itself.
package struct Principal: Hashable, Sendable {
  /// How the identity was proved.
  package enum Kind: String, Sendable, Codable {
    /// The server itself: rotation, destruction and rewrap that fall due.
    case server
    /// A process on the other end of a Unix socket, named by the kernel (SO_PEERCRED).
    case unixPeer = "unix-peer"
    /// The kube-apiserver on a KMS socket, allowed the key of that socket alone.
    case kmsSocket = "kms-socket"
  }

  package let kind: Kind
  /// `uid:0`, a socket's key name, or `server`.
  package let name: String
  package let uid: UInt32?
  package let pid: Int32?

  package init(kind: Kind, name: String, uid: UInt32? = nil, pid: Int32? = nil) {
    self.kind = kind
    self.name = name
    self.uid = uid
    self.pid = pid
  }

  package static let server = Principal(kind: .server, name: "server")
}

/// The first argument of every use case: who asks, over what, in which request.
package struct Caller: Sendable {
  /// The door that the request came in by.
  package enum Transport: String, Sendable, Codable {
    case admin
    case kms
    case server
  }

  package let principal: Principal
  package let transport: Transport
  /// The server's own id of the request, 16 hexadecimal digits.
  package let requestID: String

  package init(principal: Principal, transport: Transport, requestID: String) {
    self.principal = principal
    self.transport = transport
    self.requestID = requestID
  }
}
