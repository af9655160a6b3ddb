package import KeywardModel

/// Who asks, in tests.
extension Caller {
  /// A security officer on the admin socket.
  package static let officer = Caller(
    principal: Principal(kind: .unixPeer, name: "uid:0", uid: 0, pid: 1),
    transport: .admin,
    requestID: "00000000000000aa"
  )

  /// A process whose uid no role allows anything.
  package static let stranger = Caller(
    principal: Principal(kind: .unixPeer, name: "uid:4242", uid: 4242, pid: 2),
    transport: .admin,
    requestID: "00000000000000bb"
  )

  /// The kube-apiserver on the socket of a key.
  package static func kms(_ key: String) -> Caller {
    Caller(
      principal: Principal(kind: .kmsSocket, name: key, uid: 0, pid: 3),
      transport: .kms,
      requestID: "k1-1"
    )
  }
}

extension KeyName: ExpressibleByStringLiteral {
  /// A name that the test is sure of.
  package init(stringLiteral text: String) {
    do { try self.init(text) } catch { preconditionFailure("\(text) \(error.reason)") }
  }
}
