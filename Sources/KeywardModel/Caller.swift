/// The first argument of every use case: who asks, over what, in which request.
///
/// A class, since each request hands it from one part to the next; it never changes.
package final class Caller: Sendable {
  /// The door that the request came in by.
  package enum Transport: String, Sendable, Codable {
    case admin
    case https
    case kms
    case server
  }

  package let principal: Principal
  package let transport: Transport
  /// The server's own id of the request, 16 hexadecimal digits.
  package let requestID: String
  /// The address of the peer, as the kernel says; nil on Unix sockets.
  package let source: NetworkAddress?
  /// The accessor of the token that the request carried, if it carried one.
  package let accessor: String?
  /// What the request asks for, exactly: the digest that an approval is bound to.
  ///
  /// Nil where no approval can be given, such as on a KMS socket.
  package let digest: RequestDigest?
  /// What the request asks for, in words for who has to approve it.
  ///
  /// Method, path and query, and the SHA-256 of a JSON body; nil where a request has no words.
  package let summary: (@Sendable () -> String)?
  /// The approval that the request presents.
  package let approval: ApprovalID?

  package init(
    principal: Principal,
    transport: Transport,
    requestID: String,
    source: NetworkAddress? = nil,
    accessor: String? = nil,
    digest: RequestDigest? = nil,
    summary: (@Sendable () -> String)? = nil,
    approval: ApprovalID? = nil
  ) {
    self.principal = principal
    self.transport = transport
    self.requestID = requestID
    self.source = source
    self.accessor = accessor
    self.digest = digest
    self.summary = summary
    self.approval = approval
  }
}

/// SHA-256 over the canonical form of a request: method, path, query and body.
package struct RequestDigest: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// Takes exactly 32 bytes, else nil.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  package var description: String { Hex.encode(bytes) }
}
