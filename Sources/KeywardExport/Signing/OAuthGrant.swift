import KeywardCrypto
import KeywardModel

/// Asks a token endpoint for an access token (RFC 6749), with everything secret in the arena.
enum OAuthGrant {
  /// The `Authorization` of an application that shows its secret (RFC 6749 §4.4).
  static func clientCredentials(
    _ credentials: AzureCredentials,
    tokenURL: String,
    scope: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> SecretBox {
    let form = try FormBody.compose([
      ("client_id", .plain(credentials.clientID)), ("scope", .plain(scope)),
      ("grant_type", .plain("client_credentials")),
      ("client_secret", .secret(credentials.clientSecret)),
    ])
    return try await token(tokenURL, form, tokenURL + " " + scope, session.tokens, session)
  }

  /// The `Authorization` of a service account that signs an assertion (RFC 7523 §2.1).
  static func serviceAccount(
    _ account: GoogleServiceAccount,
    scope: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> SecretBox {
    let name = account.tokenURL + " " + account.clientEmail
    if let header = account.tokens.header(name, at: session.now()) { return header }
    let assertion: SecretBox
    do throws(CryptoError) {
      assertion = SecretBox(
        try ServiceAccountAssertion.make(account, scope: scope, at: session.now())
      )
    } catch {
      throw CloudFailure(.internalFailure, "The assertion for the token could not be signed.")
    }
    let form = try FormBody.compose([
      ("grant_type", .plain("urn:ietf:params:oauth:grant-type:jwt-bearer")),
      ("assertion", .secret(assertion)),
    ])
    return try await token(account.tokenURL, form, name, account.tokens, session)
  }

  private static func token(
    _ url: String,
    _ form: SecretBox,
    _ name: String,
    _ tokens: AccessTokens,
    _ session: CloudSession
  ) async throws(CloudFailure) -> SecretBox {
    if let header = tokens.header(name, at: session.now()) { return header }
    var request = CloudRequest(
      .post,
      url,
      headers: [("Accept", "application/json")],
      body: .secret(form),
      contentType: "application/x-www-form-urlencoded",
      repetition: .always
    )
    request.isAnswerSecret = true
    let response: CloudResponse
    do throws(CloudTransportError) {
      response = try await session.transport.send(request)
    } catch {
      throw CloudFailure(error, "give an access token", changes: false)
    }
    guard response.status == 200 else { throw refusal(response) }
    guard let secret = response.secret,
      let fields = try? SecretFields.read(["access_token", "token_type"], in: secret.bytes),
      let token = fields["access_token"], (1...16_384).contains(token.bytes.count),
      let kind = fields["token_type"], Array("bearer".utf8) == kind.lowercased
    else {
      throw CloudFailure(.unintelligible, "The answer with the access token cannot be read.")
    }
    let header = try FormBody.join("Bearer ", token)
    // Both providers give an hour; 10 minutes leave no doubt, and cost one request.
    tokens.keep(header, name, until: session.now().adding(seconds: 600))
    return header
  }

  private static func refusal(_ response: CloudResponse) -> CloudFailure {
    let fields = try? StrictJSON.object(response.body)
    let error = (fields?["error"]?.text).map { ProviderWords.printable($0) } ?? ""
    switch response.status {
    case 400, 401, 403:
      return CloudFailure(
        .credentialsRefused,
        "The provider refused the credentials of the destination"
          + (error.isEmpty ? "." : " (\(error))."),
        remedy: "Check the application or service account, its secret, and this server's clock."
      )
    default:
      return ProviderWords.failure(response.status, error, "give an access token", changes: false)
    }
  }
}

extension SecretBox {
  /// The bytes with letters in lower case; for a word that is no secret.
  fileprivate var lowercased: [UInt8] {
    bytes.revealed().map { (65...90).contains($0) ? $0 + 32 : $0 }
  }
}
