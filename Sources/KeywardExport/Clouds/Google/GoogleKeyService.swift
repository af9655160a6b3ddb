import KeywardCrypto
import KeywardModel

/// One call of the REST API of Cloud KMS.
struct GoogleKeyService: Sendable {
  /// `https://cloudkms.googleapis.com`.
  let endpoint: String
  let account: GoogleServiceAccount

  static let scope = "https://www.googleapis.com/auth/cloudkms"

  func call(
    _ method: CloudRequest.Method,
    _ resource: String,
    query: String = "",
    _ body: JSONText?,
    _ what: String,
    _ repetition: CloudRequest.Repetition,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    let changes = repetition != .always
    let header = try await OAuthGrant.serviceAccount(account, scope: Self.scope, session)
    let request = CloudRequest(
      method,
      "\(endpoint)/v1/\(resource)" + (query.isEmpty ? "" : "?\(query)"),
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
    // It was taken back before its time; the next export has to ask for another.
    if response.status == 401 { account.tokens.forget(header) }
    guard response.status == 200 else { throw Self.failure(response, what, changes: changes) }
    return try ProviderWords.object(response.body, what, changes: changes)
  }

  private static func failure(
    _ response: CloudResponse,
    _ what: String,
    changes: Bool
  ) -> CloudFailure {
    let error = (try? StrictJSON.object(response.body))?.object("error")
    let status = error?["status"]?.text ?? ""
    let message = error?["message"]?.text ?? ""
    let said = status.isEmpty ? message : "\(status): \(message)"
    if response.status == 409, status == "ALREADY_EXISTS" {
      return CloudFailure(
        .alreadyThere,
        "Google has one of that name already, and was asked to \(what)."
      )
    }
    return ProviderWords.failure(response.status, said, what, changes: changes)
  }

  static func usualPurpose(_ algorithm: String) -> String {
    if algorithm == "GOOGLE_SYMMETRIC_ENCRYPTION" { return "ENCRYPT_DECRYPT" }
    if algorithm.hasPrefix("HMAC_") { return "MAC" }
    if algorithm.hasPrefix("AES_") { return "RAW_ENCRYPT_DECRYPT" }
    return algorithm.hasPrefix("RSA_DECRYPT_") ? "ASYMMETRIC_DECRYPT" : "ASYMMETRIC_SIGN"
  }

  static func state(_ words: String) -> CloudKeyStatus.State {
    switch words {
    case "ENABLED": .enabled
    case "DISABLED": .disabled
    case "PENDING_IMPORT", "PENDING_GENERATION": .pendingImport
    case "IMPORT_FAILED": .failed
    default: .gone
    }
  }

  static func isName(_ text: String) -> Bool {
    (1...63).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
  }

  /// Segments of the characters that Google's resources have: it becomes part of a path.
  static func isResource(_ text: String) -> Bool {
    text.utf8.count <= 512
      && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { segment in
        !segment.isEmpty && segment != "." && segment != ".."
          && segment.utf8.allSatisfy { isNameByte($0) || $0 == 46 || $0 == 58 }
      }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
      || byte == 95
  }
}
