package import KeywardCrypto
import KeywardHTTPClient
package import KeywardModel

/// What a login shows; its secret stays in the arena up to the connection.
package enum LoginCredential: Sendable {
  /// A JWT of a registered issuer.
  case jwt(Text)
  /// The client certificate of the connection.
  case certificate
  /// A machine role, by its id, which is no secret, and a secret id.
  case role(id: String, Text)

  /// A secret text that stands in JSON as it is: printable ASCII without `"` and `\`, as JWTs and
  /// secret ids are.
  package struct Text: Sendable {
    fileprivate let secret: SecretBox

    /// Takes at least one such character and nothing else, else nil.
    package init?(_ secret: SecretBox) {
      let isPlain = secret.bytes.withUnsafeBytes { bytes in
        !bytes.isEmpty
          && bytes.allSatisfy {
            (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
          }
      }
      guard isPlain else { return nil }
      self.secret = secret
    }
  }

  /// The request without its secret.
  fileprivate func request(_ ttl: Int64?) -> LoginRequest {
    switch self {
    case .jwt: LoginRequest(method: .jwt, ttl: ttl)
    case .certificate: LoginRequest(method: .certificate, ttl: ttl)
    case .role(let id, _): LoginRequest(method: .role, roleID: id, ttl: ttl)
    }
  }

  /// The secret, with the name that it has in the request.
  fileprivate var field: (name: LoginRequest.CodingKeys, text: Text)? {
    switch self {
    case .jwt(let text): (.jwt, text)
    case .certificate: nil
    case .role(_, let text): (.secretID, text)
    }
  }
}

extension KeywardClient {
  /// Exchanges a credential for a token.
  package func login(_ credential: LoginCredential, ttl: Int64?) throws(ClientError) -> IssuedToken
  {
    let body = try loginBody(credential, ttl: ttl)
    return try post(
      Query("/api/v1/auth/login"),
      .typedSecret(body, contentType: "application/json")
    )
  }

  /// The request as JSON, with its secret put in last.
  func loginBody(_ credential: LoginCredential, ttl: Int64?) throws(ClientError) -> SecretBox {
    let json = try encode(credential.request(ttl))
    do throws(CryptoError) {
      guard let field = credential.field else { return SecretBox(try SecretBytes.fixture(json)) }
      var body = try SecretWriter(capacity: json.count + field.text.secret.bytes.count + 32)
      try body.append(Array(json.dropLast()))
      try body.append(Array(",\"\(field.name.rawValue)\":\"".utf8))
      try body.append(field.text.secret.bytes)
      try body.append("\"}")
      return SecretBox(try body.finish())
    } catch {
      throw Self.outOfSecureMemory
    }
  }
}
