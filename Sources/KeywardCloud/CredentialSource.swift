import Glibc
package import KeywardCrypto
package import KeywardExport
import KeywardSystem
import Synchronization

/// The providers' usual environment variables and files, of the process that asks.
///
/// Nothing is written or shown, and each call reads anew, so that renewed credentials count at once. Of a
/// Google account the parsed key is kept, since to prove its primes takes 45 ms: for the same bytes alone.
package struct CredentialSource: Sendable {
  /// Where `~` is.
  private let home: String
  private let kept = KeptAccount()

  private static let fileLimit = 64 << 10

  package init(home: String? = nil) {
    self.home = home ?? Self.text("HOME") ?? "/root"
  }

  /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, unless `profile` names a
  /// part of the credentials file; else that of `AWS_PROFILE`, else `default`.
  package func aws(profile: String? = nil) throws(CloudFailure) -> AWSCredentials {
    if profile == nil, let id = Self.text("AWS_ACCESS_KEY_ID") {
      guard let secret = try Self.secret("AWS_SECRET_ACCESS_KEY") else {
        throw Self.missing("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not.")
      }
      let token = try Self.secret("AWS_SESSION_TOKEN")
      return AWSCredentials(accessKeyID: id, secretKey: secret, sessionToken: token)
    }
    let path = Self.text("AWS_SHARED_CREDENTIALS_FILE") ?? home + "/.aws/credentials"
    let name = profile ?? Self.text("AWS_PROFILE") ?? "default"
    guard let file = try read(path, "the AWS credentials") else {
      throw Self.missing(
        "There are no AWS credentials: AWS_ACCESS_KEY_ID is not set, and \(path) is not there."
      )
    }
    let fields: [String: SecretBox]
    do throws(CryptoError) {
      fields = try INIFile.section(name, in: file)
    } catch {
      throw CloudFailure(.internalFailure, "No locked memory is left for credentials.")
    }
    guard let id = fields["aws_access_key_id"], let secret = fields["aws_secret_access_key"] else {
      throw Self.missing(
        "The profile '\(name)' of \(path) has no aws_access_key_id and aws_secret_access_key."
      )
    }
    return AWSCredentials(
      accessKeyID: String(decoding: id.bytes.revealed(), as: UTF8.self),
      secretKey: secret,
      sessionToken: fields["aws_session_token"]
    )
  }

  /// `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`.
  package func azure() throws(CloudFailure) -> AzureCredentials {
    guard let tenant = Self.text("AZURE_TENANT_ID"), let client = Self.text("AZURE_CLIENT_ID"),
      let secret = try Self.secret("AZURE_CLIENT_SECRET")
    else {
      throw Self.missing(
        "Azure needs AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET."
      )
    }
    return AzureCredentials(tenantID: tenant, clientID: client, clientSecret: secret)
  }

  /// The file that `path` or `GOOGLE_APPLICATION_CREDENTIALS` names: the key of a service account.
  package func google(file path: String? = nil) throws(CloudFailure) -> GoogleServiceAccount {
    guard let path = path ?? Self.text("GOOGLE_APPLICATION_CREDENTIALS") else {
      throw Self.missing(
        "Google needs GOOGLE_APPLICATION_CREDENTIALS to name the key file of a service account."
      )
    }
    guard let file = try read(path, "the key of the service account") else {
      throw Self.missing("\(path) is not there.")
    }
    return try kept.account(of: file)
  }

  /// `BAO_TOKEN` or `VAULT_TOKEN`, else the file that `path` names, else `~/.vault-token`.
  package func vault(file path: String? = nil) throws(CloudFailure) -> SecretBox {
    if path == nil {
      if let token = try Self.secret("BAO_TOKEN") { return token }
      if let token = try Self.secret("VAULT_TOKEN") { return token }
    }
    let path = path ?? home + "/.vault-token"
    guard let file = try read(path, "the token") else {
      throw Self.missing("There is no token: VAULT_TOKEN is not set, and \(path) is not there.")
    }
    do throws(CryptoError) {
      let count = file.withUnsafeBytes { bytes in
        (bytes.lastIndex { $0 != 0x0a && $0 != 0x0d && $0 != 0x20 } ?? -1) + 1
      }
      guard count > 0 else { throw .invalidInput("empty") }
      return SecretBox(try SecretBytes(copying: file, range: 0..<count))
    } catch {
      throw Self.missing("\(path) holds no token.")
    }
  }

  /// The authorities that vouch for the server of the environment's token, of the file that
  /// `BAO_CACERT` or `VAULT_CACERT` names; nil for the system's.
  ///
  /// That token goes to `BAO_ADDR` or `VAULT_ADDR` and nowhere else: who may write a destination must
  /// not be able to have it sent to themselves.
  func vaultAuthorities(for endpoint: String) throws(CloudFailure) -> String? {
    let pairs = [("BAO_ADDR", "BAO_CACERT"), ("VAULT_ADDR", "VAULT_CACERT")]
    let known = pairs.compactMap { address, file in Self.text(address).map { ($0, file) } }
    guard let pair = known.first(where: { $0.0 == endpoint }) else {
      throw CloudFailure(
        .unvouched,
        "The token of the environment is for \(known.first?.0 ?? "no address"), not for the "
          + "destination's endpoint.",
        remedy: "Set BAO_ADDR or VAULT_ADDR of the server to the endpoint, or put a token into a "
          + "file of the folder of credentials, with the endpoint in NAME.addr, and name it: "
          + "--credentials file:NAME."
      )
    }
    guard let path = Self.text(pair.1) else { return nil }
    guard let text = try Self.settings(path) else {
      throw Self.missing("\(pair.1) names \(path), which is not there.")
    }
    return text
  }

  /// A file by which the administrator says what this server trusts: no secret, and nobody's else to
  /// write; nil if it is not there.
  static func settings(_ path: String) throws(CloudFailure) -> String? {
    guard access(path, F_OK) == 0 else { return nil }
    do throws(SystemError) {
      let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
      let status = try file.status(of: path)
      guard status.st_uid == geteuid() || status.st_uid == 0, status.permissions & 0o022 == 0
      else {
        throw SystemError(.tooPermissive, "others may write \(path); run: chmod go-w \(path)")
      }
      return String(decoding: try file.readAll(from: path, limit: fileLimit), as: UTF8.self)
    } catch {
      throw CloudFailure(
        .credentialsMissing,
        "What this server trusts cannot be read: \(error).",
        remedy: "It belongs to the server's user or root, and nobody else may write it."
      )
    }
  }

  private func read(_ path: String, _ what: String) throws(CloudFailure) -> SecretBytes? {
    guard access(path, F_OK) == 0 else { return nil }
    do throws(SystemError) {
      return try SecretFile.read(path, limit: Self.fileLimit, followingLinks: true)
    } catch {
      throw CloudFailure(.credentialsMissing, "The file with \(what) cannot be read: \(error).")
    }
  }

  private static func missing(_ words: String) -> CloudFailure {
    CloudFailure(
      .credentialsMissing,
      words,
      remedy: "Set it for the server's process; see docs/key-export."
    )
  }

  /// A variable that is no secret; nil when it is not set or empty.
  private static func text(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }

  private static func secret(_ name: String) throws(CloudFailure) -> SecretBox? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    do throws(CryptoError) {
      let bytes = UnsafeRawBufferPointer(start: value, count: strlen(value))
      return SecretBox(try SecretBytes(copying: bytes))
    } catch {
      throw CloudFailure(.internalFailure, "No locked memory is left for credentials.")
    }
  }
}

/// The Google account that was read last, with the SHA-256 of its file.
private final class KeptAccount: Sendable {
  private let last = Mutex<(digest: [UInt8], account: GoogleServiceAccount)?>(nil)

  func account(of file: borrowing SecretBytes) throws(CloudFailure) -> GoogleServiceAccount {
    let digest = Digest.sha256([], then: file)
    if let last = last.withLock({ $0 }), last.digest == digest { return last.account }
    let account = try GoogleServiceAccount(json: file)
    last.withLock { $0 = (digest, account) }
    return account
  }
}
