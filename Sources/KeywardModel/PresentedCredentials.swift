/// What a request shows to prove an identity; nothing of it is proved yet.
///
/// It has no other way in: no header but `Authorization` and `Keyward-Approval` is read, so no proxy
/// and no client can put an identity into one (keystonemiddleware CVE-2026-22797).
package struct PresentedCredentials: Sendable {
  package let peer: Peer
  package let bearer: BearerCredential?
  /// The approval that the request is to be carried out under.
  package let approval: ApprovalID?

  package init(peer: Peer, bearer: BearerCredential? = nil, approval: ApprovalID? = nil) {
    self.peer = peer
    self.bearer = bearer
    self.approval = approval
  }

  /// The process on a Unix socket, where the request shows nothing else.
  package var unixPrincipal: Principal? { bearer == nil ? peer.unixPrincipal : nil }
}

/// The credential of an `Authorization: Bearer` header (RFC 6750 §2.1).
///
/// Its description says which kind it is, so that no log line can hold it.
package enum BearerCredential: Hashable, Sendable, CustomStringConvertible,
  CustomDebugStringConvertible, CustomReflectable
{
  /// An access token.
  case token(String)
  /// Three parts with two dots between them: a JWT, proved for this one request.
  case jwt(String)

  /// The longest that is read, in bytes.
  package static let maximumLength = 8 << 10

  /// Takes 1 to 8,192 characters of RFC 6750's `b64token`, else nil.
  package init?(_ text: String) {
    self.init(text[...])
  }

  /// Takes 1 to 8,192 characters of RFC 6750's `b64token`, else nil.
  package init?(_ text: Substring) {
    guard (1...Self.maximumLength).contains(text.utf8.count) else { return nil }
    var dots = 0
    for byte in text.utf8 {
      guard Self.isToken(byte) else { return nil }
      if byte == UInt8(ascii: ".") { dots += 1 }
    }
    self = dots == 2 ? .jwt(String(text)) : .token(String(text))
  }

  /// The text as it goes into a header; never into a log.
  package var revealed: String {
    switch self {
    case .token(let text), .jwt(let text): text
    }
  }

  package var description: String {
    switch self {
    case .token: "a token"
    case .jwt: "a JWT"
    }
  }

  package var debugDescription: String { description }

  package var customMirror: Mirror { Mirror(self, children: []) }

  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"),
      UInt8(ascii: "="):
      true
    default:
      false
    }
  }
}
