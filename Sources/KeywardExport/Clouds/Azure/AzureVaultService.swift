import KeywardCrypto
import KeywardModel

/// One call of the REST API of a vault.
struct AzureVaultService: Sendable {
  /// `https://NAME.vault.azure.net`, without a slash at the end.
  let vault: String
  let scope: String
  let credentials: AzureCredentials
  let loginURL: String

  static let version = "7.4"

  func call(
    _ method: CloudRequest.Method,
    _ path: String,
    query: String = "",
    _ body: JSONText?,
    _ what: String,
    _ repetition: CloudRequest.Repetition,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    let changes = repetition != .always
    let tenant = CanonicalURI.encode(credentials.tenantID)
    let header = try await OAuthGrant.clientCredentials(
      credentials,
      tokenURL: "\(loginURL)/\(tenant)/oauth2/v2.0/token",
      scope: scope,
      session
    )
    let request = CloudRequest(
      method,
      "\(vault)\(path)?api-version=\(Self.version)" + (query.isEmpty ? "" : "&\(query)"),
      headers: [("Accept", "application/json")],
      secretHeader: ("Authorization", header),
      body: body.map { .bytes($0.bytes) } ?? .none,
      contentType: body == nil ? nil : "application/json",
      repetition: repetition
    )
    let response: CloudResponse
    do throws(CloudTransportError) {
      response = try await session.transport.send(request)
    } catch {
      throw CloudFailure(error, what, changes: changes)
    }
    guard response.status == 200 else { throw Self.failure(response, what, changes: changes) }
    return try ProviderWords.object(response.body, what, changes: changes)
  }

  private static func failure(
    _ response: CloudResponse,
    _ what: String,
    changes: Bool
  ) -> CloudFailure {
    let error = (try? StrictJSON.object(response.body))?.object("error")
    let code = error?["code"]?.text ?? ""
    let message = error?["message"]?.text ?? ""
    let said = code.isEmpty ? message : "\(code): \(message)"
    return ProviderWords.failure(response.status, said, what, changes: changes)
  }

  /// The path of a versioned identifier of this vault.
  func path(of kid: String) throws(CloudFailure) -> String {
    let parts = kid.dropFirst(vault.count).split(separator: "/")
    guard kid.hasPrefix(vault + "/"), parts.count == 3, parts[0] == "keys",
      isVersioned(kid, of: String(parts[1]))
    else {
      throw CloudFailure(.unfit, "The key is not one of this vault by its full identifier.")
    }
    return "/keys/\(parts[1])/\(parts[2])"
  }

  /// Whether `kid` is the identifier of a version of the key `name` here (failure mode 19).
  func isVersioned(_ kid: String, of name: String) -> Bool {
    let prefix = "\(vault)/keys/\(name)/"
    let version = kid.dropFirst(prefix.count)
    return kid.hasPrefix(prefix) && version.utf8.count == 32
      && version.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  }

  static func isName(_ text: String) -> Bool {
    (1...127).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
      }
  }

  static func time(_ seconds: Int64) -> Timestamp? {
    (0...253_402_300_799).contains(seconds) ? Timestamp(milliseconds: seconds * 1000) : nil
  }

  /// The DER of a public JWK of RSA or a curve.
  static func spki(_ key: JSONObject) -> [UInt8]? {
    func number(_ name: String) -> [UInt8]? { (key[name]?.text).flatMap { Base64.decodeURL($0) } }
    if let modulus = number("n"), let exponent = number("e") {
      return try? PublicKey(rsaModulus: modulus, exponent: exponent).spki()
    }
    let curves: [String: AsymmetricAlgorithm] = [
      "P-256": .p256, "P-384": .p384, "P-521": .p521, "P-256K": .secp256k1,
    ]
    guard let curve = (key["crv"]?.text).flatMap({ curves[$0] }), let x = number("x"),
      let y = number("y"), let length = curve.fieldLength, x.count == length, y.count == length
    else { return nil }
    return try? PublicKey(raw: [4] + x + y, curve).spki()
  }
}
