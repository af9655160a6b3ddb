import ArgumentParser
import KeywardCrypto
import KeywardGRPC
import KeywardKMSPlugin

struct KMSCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check that a plugin does what kube-apiserver asks of it; exit status 7 if not.",
    discussion: """
      Status, Encrypt and Decrypt of random bytes, the limits of key_id, ciphertext and \
      annotations, and that damaged ciphertexts and foreign key ids are refused. It stores \
      nothing and can be run against a plugin in service.
      """
  )

  @OptionGroup
  var plugin: KMSOptions
  @OptionGroup
  var output: OutputOptions

  func run() async throws {
    let client = try await plugin.connect()
    var check = PluginCheck(client)
    await check.run()
    await client.close()
    let results = check.results
    try output.print(results) {
      results.map { "\($0.passed ? "PASS" : "FAIL")  \($0.name)\($0.detail)" }
        .map(Table.printable).joined(separator: "\n")
    }
    if !results.allSatisfy(\.passed) { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }
}

/// The steps of a check against one plugin, in order; later ones need what earlier ones got.
struct PluginCheck {
  struct Result: Encodable {
    let name: String
    let passed: Bool
    /// Empty, or begins with ": ".
    let detail: String
  }

  private(set) var results: [Result] = []
  private let client: KMSClient

  init(_ client: KMSClient) {
    self.client = client
  }

  mutating func run() async {
    guard let keyID = await checkStatus() else { return }
    guard let secret = try? SecretBytes.random(count: 32) else {
      add("random bytes", false, "no locked memory")
      return
    }
    guard let encryption = await checkEncrypt(secret, keyID) else { return }
    await checkDecrypt(encryption, secret)
    await checkRefusals(encryption)
    await checkSecondEncryption(secret, encryption)
  }

  private mutating func add(_ name: String, _ passed: Bool, _ detail: String = "") {
    results.append(Result(name: name, passed: passed, detail: detail.isEmpty ? "" : ": " + detail))
  }

  private mutating func checkStatus() async -> String? {
    do throws(GRPCStatus) {
      let status = try await client.status()
      add("Status answers", true)
      add(
        "version is v2 or v2beta1",
        ["v2", "v2beta1"].contains(status.version),
        status.version
      )
      add("healthz is ok", status.healthz == "ok", status.healthz)
      let size = status.keyID.utf8.count
      add("key_id has 1 to 1024 bytes", KMSLimits.keyID.contains(size), "\(size) bytes")
      return status.keyID
    } catch {
      add("Status answers", false, Self.words(error))
      return nil
    }
  }

  private mutating func checkEncrypt(
    _ secret: borrowing SecretBytes,
    _ keyID: String
  ) async -> KMSEncryption? {
    let encryption: KMSEncryption
    do throws(GRPCStatus) {
      encryption = try await client.encrypt(secret, uid: "keyward-kms-check")
    } catch {
      add("Encrypt of 32 bytes", false, Self.words(error))
      return nil
    }
    add("Encrypt of 32 bytes", true)
    let size = encryption.ciphertext.count
    add("ciphertext has 1 to 1024 bytes", KMSLimits.ciphertext.contains(size), "\(size) bytes")
    add("Encrypt's key_id is that of Status", encryption.keyID == keyID)
    let total = encryption.annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
    add(
      "annotations are within their limits",
      KMSLimits.areAnnotationsValid(encryption.annotations),
      "\(encryption.annotations.count), \(total) bytes"
    )
    let hidden = secret.withUnsafeBytes { bytes in
      !encryption.ciphertext.indices.contains { start in
        encryption.ciphertext[start...].starts(with: bytes)
      }
    }
    add("the ciphertext does not show the plaintext", hidden)
    add(
      "key_id, ciphertext and annotations add up",
      true,
      "\(size + total + encryption.keyID.utf8.count) bytes in each object"
    )
    return encryption
  }

  private mutating func checkDecrypt(
    _ encryption: KMSEncryption,
    _ secret: borrowing SecretBytes
  ) async {
    do throws(GRPCStatus) {
      let opened = try await client.decrypt(Self.request(encryption))
      add("Decrypt gives the plaintext back", opened.bytes.constantTimeEquals(secret))
    } catch {
      add("Decrypt gives the plaintext back", false, Self.words(error))
    }
  }

  private mutating func checkRefusals(_ encryption: KMSEncryption) async {
    var damaged = Self.request(encryption)
    if let last = damaged.ciphertext.indices.last { damaged.ciphertext[last] ^= 1 }
    await expectRefusal("Decrypt refuses a damaged ciphertext", damaged)
    var foreign = Self.request(encryption)
    foreign.keyID = "keyward-kms-check-no-such-key"
    await expectRefusal("Decrypt refuses a foreign key_id", foreign)
  }

  private mutating func expectRefusal(
    _ name: String,
    _ request: KMSMessages.DecryptRequest
  ) async {
    do throws(GRPCStatus) {
      _ = try await client.decrypt(request)
      add(name, false, "it was decrypted")
    } catch {
      add(name, error.code != .unavailable && error.code != .deadlineExceeded, error.code.name)
    }
  }

  private mutating func checkSecondEncryption(
    _ secret: borrowing SecretBytes,
    _ first: KMSEncryption
  ) async {
    do throws(GRPCStatus) {
      let second = try await client.encrypt(secret, uid: "keyward-kms-check-2")
      add("equal plaintexts have different ciphertexts", second.ciphertext != first.ciphertext)
      let status = try await client.status()
      add("Status still agrees with Encrypt", status.keyID == second.keyID)
    } catch {
      add("a second Encrypt", false, Self.words(error))
    }
  }

  private static func request(_ encryption: KMSEncryption) -> KMSMessages.DecryptRequest {
    KMSMessages.DecryptRequest(
      ciphertext: encryption.ciphertext,
      uid: "keyward-kms-check",
      keyID: encryption.keyID,
      annotations: encryption.annotations
    )
  }

  private static func words(_ status: GRPCStatus) -> String {
    "\(status.code.name) \(status.message)"
  }
}
