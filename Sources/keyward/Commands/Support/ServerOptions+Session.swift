import KeywardClient
import KeywardCrypto
import KeywardModel
import KeywardSystem

/// A client for a few requests, and the end of its token with the last of them.
extension ServerOptions {
  /// What a token that is made for a session lives: the bound of what a kill in its midst leaves.
  static let sessionSeconds: Int64 = 60

  /// Carries out requests as who the environment says.
  ///
  /// A machine role is logged in for them, and its token revoked when they are over, whether they
  /// succeed or fail; a token that was given is revoked if `revokesGiven` says so. JWTs and client
  /// certificates are shown with each request, so that there is no token.
  func session<R>(
    revokesGiven: Bool = false,
    _ body: (KeywardClient) throws -> R
  ) throws -> R {
    guard let login = try roleLogin() else {
      let client = try client()
      defer { if revokesGiven { revoke(client) } }
      return try body(client)
    }
    let issued = try client(.none).login(login, ttl: Self.sessionSeconds)
    guard let credential = BearerCredential(issued.token) else {
      throw CommandFailure(.failed, "The server's token is none that this version can show.")
    }
    say("logged in as the machine role of \(RoleVariable.id), for these requests alone")
    let client = try client(.session(credential))
    defer { revoke(client) }
    return try body(client)
  }

  /// The login of the machine role that the environment names; nil where it names none, or where a
  /// token or a certificate comes first.
  private func roleLogin() throws -> LoginCredential? {
    guard let id = Self.variable(RoleVariable.id), isAnonymousHTTPS else { return nil }
    if let path = Self.variable(RoleVariable.secretFile) {
      return .role(id: id, try LoginInput.secretID(path))
    }
    guard let text = Self.variable(RoleVariable.secret) else {
      throw CommandFailure(
        .usage,
        "\(RoleVariable.id) names a machine role, and there is no secret id.",
        remedy: "Set \(RoleVariable.secretFile) to its file (mode 0600), or \(RoleVariable.secret)."
      )
    }
    let secret = SecretBox(try SecretBytes.fixture(Array(text.utf8)))
    return .role(id: id, try LoginInput.text(secret, of: RoleVariable.secret))
  }

  /// A token that cannot be revoked is said and no more: what was asked for has been done.
  private func revoke(_ client: KeywardClient) {
    do throws(ClientError) {
      let token = try client.revokeOwnToken()
      say("revoked the token \(token.accessor)")
    } catch {
      // It has ended already, by its uses or its time.
      if error.code == .unauthenticated { return say("the token has ended already") }
      let words = CommandFailure(error)?.text ?? "\(error)"
      StandardStream.error("keyward: The token is not revoked: \(words)\n")
    }
  }
}

/// The variables that name a machine role.
private enum RoleVariable {
  static let id = "KEYWARD_ROLE_ID"
  static let secretFile = "KEYWARD_SECRET_ID_FILE"
  static let secret = "KEYWARD_SECRET_ID"
}
