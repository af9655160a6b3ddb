import KeywardCrypto
import KeywardModel

/// One call of the AWS KMS API: signed, sent, and its errors named.
struct AWSKeyService: Sendable {
  let region: String
  let credentials: AWSCredentials
  let endpoint: String?

  private var origin: String {
    endpoint ?? "https://kms.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
  }

  /// The same account in another Region.
  func inRegion(_ other: String) -> AWSKeyService {
    AWSKeyService(region: other, credentials: credentials, endpoint: endpoint)
  }

  func call(
    _ operation: String,
    _ body: JSONText,
    _ what: String,
    _ repetition: CloudRequest.Repetition,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    let body = body.bytes
    let changes = repetition != .always
    var request = CloudRequest(
      .post,
      origin + "/",
      headers: [("X-Amz-Target", "TrentService.\(operation)")],
      body: .bytes(body),
      contentType: "application/x-amz-json-1.1",
      repetition: repetition
    )
    do throws(CryptoError) {
      let signed = SigV4.Request(
        "POST",
        "/",
        headers: request.headers + [
          ("Host", String(origin.dropFirst("https://".count))),
          ("Content-Type", "application/x-amz-json-1.1"),
        ],
        body: body
      )
      let signature = try SigV4(credentials, region: region, service: "kms")
        .sign(signed, at: session.now())
      request.headers += signature.headers
      request.secretHeader = signature.token
    } catch {
      throw CloudFailure(.internalFailure, "The request to AWS could not be signed.")
    }
    let response: CloudResponse
    do throws(CloudTransportError) {
      response = try await session.transport.send(request)
    } catch {
      throw CloudFailure(error, what, changes: changes)
    }
    guard response.status == 200 else { throw Self.failure(response, what, changes: changes) }
    // Some calls answer with an empty body, as before their answers had members.
    if response.body.isEmpty {
      return try ProviderWords.object(Array("{}".utf8), what, changes: false)
    }
    return try ProviderWords.object(response.body, what, changes: changes)
  }

  func describe(_ keyID: String, _ session: CloudSession) async throws(CloudFailure) -> JSONObject {
    let what = "describe the key"
    let answer = try await call(
      "DescribeKey",
      .members([("KeyId", .string(keyID))]),
      what,
      .always,
      session
    )
    guard let key = answer.object("KeyMetadata") else {
      throw ProviderWords.unintelligible(what, "it has no key", changes: false)
    }
    return key
  }

  private static func failure(
    _ response: CloudResponse,
    _ what: String,
    changes: Bool
  ) -> CloudFailure {
    let answer = try? StrictJSON.object(response.body)
    let type = (answer?["__type"]?.text).map { String($0.split(separator: "#").last ?? "") } ?? ""
    let message = (answer?["message"] ?? answer?["Message"])?.text ?? ""
    let name = ProviderWords.printable(type)
    guard response.status < 500, response.status != 429, !type.isEmpty else {
      return ProviderWords.failure(response.status, name, what, changes: changes)
    }
    let said = message.isEmpty ? name : "\(name): \(ProviderWords.printable(message))"
    let (code, remedy) = meaning(of: type)
    return CloudFailure(code, "AWS refused to \(what) (\(said)).", remedy: remedy)
  }

  private static func meaning(of type: String) -> (CloudFailure.Code, String?) {
    switch type {
    case "ExpiredImportTokenException":
      (.tokenExpired, "Export again: parameters for an import end after 24 hours.")
    case "InvalidImportTokenException":
      (.tokenInvalid, "The token is of another key or Region, or damaged. Export again.")
    case "InvalidCiphertextException":
      (.blobRefused, "Wrapping algorithm and wrapping key must be those of the same answer.")
    case "IncorrectKeyMaterialException":
      (.materialRefused, "Another material, a wrong length, or not the one imported before.")
    case "KMSInvalidStateException": (.stateRefused, nil)
    case "UnsupportedOperationException": (.unsupported, nil)
    case "NotFoundException": (.notFound, "Check key, Region and account.")
    case "AccessDeniedException":
      (.accessDenied, "docs/key-export/aws.md lists the permissions.")
    case "ThrottlingException": (.throttled, "Run it again later.")
    case "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId",
      "IncompleteSignatureException", "ExpiredTokenException", "MissingAuthenticationToken",
      "MissingAuthenticationTokenException", "SignatureDoesNotMatch":
      (.credentialsRefused, "Check the AWS credentials of this server, and its clock.")
    default: (.refused, nil)
    }
  }

  // What AWS's values mean

  /// Seconds since 1970, whole or not.
  static func time(_ value: JSONValue?) -> Timestamp? {
    guard case .number(let digits) = value, let seconds = Double(digits),
      (0...253_402_300_799).contains(seconds)
    else { return nil }
    return Timestamp(milliseconds: Int64(seconds * 1000))
  }

  static func state(_ words: String) -> CloudKeyStatus.State {
    switch words {
    case "Enabled": .enabled
    case "Disabled": .disabled
    case "PendingDeletion", "PendingReplicaDeletion", "Unavailable": .gone
    default: .pendingImport
    }
  }

  static func macHash(_ keySpec: String) -> HashFunction? {
    switch keySpec {
    case "HMAC_224": .sha224
    case "HMAC_256": .sha256
    case "HMAC_384": .sha384
    case "HMAC_512": .sha512
    default: nil
    }
  }

  static func usualUsage(_ keySpec: String) -> String {
    if keySpec == "SYMMETRIC_DEFAULT" { return "ENCRYPT_DECRYPT" }
    return keySpec.hasPrefix("HMAC_") ? "GENERATE_VERIFY_MAC" : "SIGN_VERIFY"
  }

  /// 64 hexadecimal digits, else nil.
  static func materialID(_ text: String) -> String? {
    text.utf8.count == 64
      && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) } ? text : nil
  }

  /// A key id or an ARN, of the characters that they have.
  static func isKeyName(_ text: String) -> Bool {
    (1...2048).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        CanonicalURI.isUnreserved($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/")
      }
  }

  /// Whether a text may stand in a host name as a Region.
  ///
  /// Else an answer could send the next request, with its session token, to a host of its choice.
  static func isRegion(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
  }

  /// Whether an ARN is of a key that was named by ARN or id.
  static func isSame(_ arn: String, _ keyID: String) -> Bool {
    isKeyName(arn) && (arn == keyID || arn.hasSuffix(":key/" + keyID))
  }
}
