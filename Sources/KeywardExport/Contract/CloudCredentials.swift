package import KeywardCrypto
import KeywardModel

/// An application of Microsoft Entra with a secret (OAuth 2.0 client credentials).
package struct AzureCredentials: Sendable {
  package let tenantID: String
  package let clientID: String
  package let clientSecret: SecretBox

  package init(tenantID: String, clientID: String, clientSecret: SecretBox) {
    self.tenantID = tenantID
    self.clientID = clientID
    self.clientSecret = clientSecret
  }
}

/// The key file of a Google service account.
package struct GoogleServiceAccount: Sendable {
  package let clientEmail: String
  package let privateKeyID: String
  package let privateKey: PrivateKey
  /// Where the token is asked for; Google's own, unless the file says another.
  package let tokenURL: String
  /// The tokens that it was given, for all sessions in which it is used.
  let tokens = AccessTokens()
  /// The import jobs that it found, for all sessions in which it is used.
  let jobs = GoogleImportJobs()

  package static let usualTokenURL = "https://oauth2.googleapis.com/token"

  package init(
    clientEmail: String,
    privateKeyID: String,
    privateKey: PrivateKey,
    tokenURL: String = Self.usualTokenURL
  ) {
    self.clientEmail = clientEmail
    self.privateKeyID = privateKeyID
    self.privateKey = privateKey
    self.tokenURL = tokenURL
  }

  /// Reads the JSON that Google makes for a service account, within the arena.
  package init(json: borrowing SecretBytes) throws(CloudFailure) {
    let fields: [String: SecretBox]
    do throws(SecretFields.Failure) {
      fields = try SecretFields.read(
        ["type", "client_email", "private_key_id", "private_key", "token_uri"],
        in: json
      )
    } catch {
      throw Self.unfit("The JSON \(error.reason)")
    }
    func text(_ name: String) throws(CloudFailure) -> String {
      guard let field = fields[name], (1...512).contains(field.bytes.count),
        let text = String(validating: field.bytes.revealed(), as: UTF8.self)
      else { throw Self.unfit("It has no usable '\(name)'") }
      return text
    }
    guard try text("type") == "service_account" else {
      throw Self.unfit("Its 'type' is not 'service_account'")
    }
    guard let pem = fields["private_key"] else { throw Self.unfit("It has no 'private_key'") }
    let key: PrivateKey
    do throws(CryptoError) {
      guard let der = try SecretPEM.decode("PRIVATE KEY", pem.bytes) else {
        throw .invalidKey("not PKCS#8")
      }
      key = try PrivateKey(pkcs8: der)
    } catch {
      throw Self.unfit("Its 'private_key' is not a PKCS#8 RSA key in PEM")
    }
    guard key.algorithm.isRSA else { throw Self.unfit("Its 'private_key' is not an RSA key") }
    self.init(
      clientEmail: try text("client_email"),
      privateKeyID: try text("private_key_id"),
      privateKey: key,
      tokenURL: fields["token_uri"] == nil ? Self.usualTokenURL : try text("token_uri")
    )
  }

  private static func unfit(_ words: String) -> CloudFailure {
    CloudFailure(
      .credentialsMissing,
      "The key file of the service account cannot be used. \(words).",
      remedy: "Make one: gcloud iam service-accounts keys create FILE --iam-account ACCOUNT"
    )
  }
}
