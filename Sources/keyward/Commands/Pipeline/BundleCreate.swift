import ArgumentParser
import Glibc
import KeywardClient
import KeywardCrypto
import KeywardModel
import KeywardPipeline
import KeywardSystem

struct BundleCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Fetch values and encrypt them to recipients, signed and for a time.",
    discussion: """
        keyward bundle create --recipient age1… --signer-key bundles/signer --expires 30d \\
          --env prod-eu --out prod-eu.bundle kw://payments/db kw://web/tls#key.pem
        keyward bundle create … --previous prod-eu.bundle --identity ci.key --out prod-eu.bundle

      With --previous, values that are the same keep their lines, so that git shows what changed. \
      Other recipients mean a new key: everything is encrypted anew, and whoever is no longer named \
      cannot open what comes. The bundle before must bear the same signer's signature. References without an argument are those of keyward.yaml, of 'get' \
      and 'run'.
      """
  )

  @Option(help: ArgumentHelp("Somebody who may open it: a recipient of age.", valueName: "age1…"))
  var recipient: [String] = []
  @Option(
    help: ArgumentHelp(
      "Who may decrypt with this key of the server may open it.",
      valueName: "KEY"
    )
  )
  var recipientKey: [KeyNameArgument] = []
  @Option(
    help: ArgumentHelp("Sign with this Ed25519 key of the server.", valueName: "KEY")
  )
  var signerKey: KeyNameArgument?
  @Option(
    help: ArgumentHelp("Sign with this Ed25519 key (PKCS#8 PEM, mode 0600).", valueName: "FILE")
  )
  var signingKey: String?
  @Option(help: ArgumentHelp("How long it may be opened, at most 366d.", valueName: "time"))
  var expires: Seconds
  @Option(
    help: ArgumentHelp(
      "The bundle before, whose unchanged values keep their lines.",
      valueName: "FILE"
    )
  )
  var previous: String?
  @Option(
    help: ArgumentHelp(
      "The public key (PEM, Ed25519) of who signed the bundle before, if it is another than now.",
      valueName: "FILE"
    )
  )
  var previousSigner: String?
  @Option(name: .customLong("out"), help: ArgumentHelp("Where to write it.", valueName: "FILE"))
  var path: String
  @OptionGroup
  var request: ValueRequest
  @OptionGroup
  var source: BundleSource
  @OptionGroup
  var fetch: SecretFetch
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (signerKey == nil) != (signingKey == nil) else {
      throw ValidationError("Give one of --signer-key and --signing-key.")
    }
    guard !recipient.isEmpty || !recipientKey.isEmpty else {
      throw ValidationError("Give at least one --recipient or --recipient-key.")
    }
    guard previousSigner == nil || previous != nil else {
      throw ValidationError("--previous-signer goes with --previous.")
    }
    guard (1...366 * 86_400).contains(expires.value) else {
      throw ValidationError("--expires is from 1s to 366d.")
    }
  }

  func run() throws {
    let recipients = try recipients()
    let wanted = try self.wanted()
    try fetch.server.session { client in try create(wanted, for: recipients, client) }
  }

  private func create(
    _ wanted: [ValueRequest.Wanted],
    for recipients: [BundleRecipient],
    _ client: KeywardClient
  ) throws {
    let signer = try BundleSigner(self, client)
    let before = try previous.map { try earlier($0, signer, client) }
    let answer = try fetch.request(ValueRequest.once(wanted.map(\.reference)), of: client)
    let places = ValueRequest.places(wanted)
    if fetch.isPlan { return try fetch.show(SecretPlan(answer.head, wanted: places), output) }
    let secrets = try SecretFetch.values(answer, wanted: places)
    let now = SystemTime().now()
    let draft = try BundleDraft(
      environment: environment(secrets),
      created: now,
      expires: now.adding(seconds: expires.value),
      recipients: recipients,
      values: try Self.values(wanted, secrets)
    )
    let file = try draft.write(
      after: before,
      signer: signer.identity,
      wrap: { name, key in
        try client.transform(
          name,
          "encrypt",
          CryptoRequest(context: BundleWrapping.context),
          key
        ).bytes
      },
      sign: signer.sign
    )
    try AtomicFile.write(file, to: path, mode: 0o644)
    StandardStream.error(
      "keyward: \(draft.values.count) values of \(draft.environment) for \(recipients.count)"
        + " recipients, until \(draft.expires.rfc3339).\n"
    )
  }

  private func recipients() throws -> [BundleRecipient] {
    try recipient.map { text in
      guard let recipient = AgeRecipient(text) else {
        throw CommandFailure(
          .usage,
          "'\(Table.printable(text))' is no recipient of age.",
          remedy: "One begins with age1, and age-keygen -y shows it. Plugins and SSH are not taken."
        )
      }
      return .age(recipient)
    } + (try recipientKey.map { .keyward(try $0.name) })
  }

  /// What is asked for; from keyward.yaml everything that the project needs, each once.
  private func wanted() throws -> [ValueRequest.Wanted] {
    guard request.references.isEmpty else { return try request.wanted() }
    let file = try ValueRequest.projectFile(request.project)
    let all = (file?.values ?? []) + (file?.environment ?? []) + (file?.files ?? [])
    guard !all.isEmpty else { return try request.wanted() }
    return all.map { .init(reference: $0.reference, name: nil, origin: "\($0.place)") }
  }

  private func environment(_ secrets: FetchedSecrets) throws -> EnvironmentName {
    do throws(SpellingError) {
      return try EnvironmentName(secrets.environment)
    } catch {
      throw CommandFailure(.failed, "The server's answer names no environment.")
    }
  }

  /// The bundle before, whose key encrypts the new one too: whoever could choose it could read all.
  private func earlier(
    _ path: String,
    _ signer: BundleSigner,
    _ client: KeywardClient
  ) throws -> OpenBundle {
    let bundle = try BundleSource.read(path)
    let trusted = try previousSigner.map { [try TrustedSigners.key($0)] }
    do throws(PipelineError) {
      try bundle.verifySignature(trusting: trusted ?? [signer.identity.publicKey])
    } catch {
      throw CommandFailure(
        .refused,
        "\(path) is not taken as the bundle before. \(error.message)",
        remedy: "If the signer changed, name the old one: --previous-signer FILE. Else leave "
          + "--previous away: everything is encrypted anew."
      )
    }
    return try source.unlock(bundle, path) { client }
  }

  private static func fieldName(_ text: String) throws -> FieldName {
    do throws(SpellingError) {
      return try FieldName(text)
    } catch {
      throw CommandFailure(.failed, "The server's answer has a field without a name.")
    }
  }

  private static func values(
    _ wanted: [ValueRequest.Wanted],
    _ secrets: FetchedSecrets
  ) throws -> [(reference: SecretReference, value: SecretBox)] {
    var values: [SecretReference: SecretBox] = [:]
    for want in wanted {
      guard let found = secrets[want.reference] else { continue }
      for field in found.fields {
        let reference = SecretReference(
          want.reference.secret,
          version: found.version,
          field: try Self.fieldName(field.name)
        )
        values[reference] = field.value
      }
    }
    return values.map { ($0.key, $0.value) }
  }
}

/// Who signs a bundle: a key of the server, or one of a file.
private struct BundleSigner {
  let identity: Bundle.Signer
  let sign: ([UInt8]) throws -> [UInt8]

  init(_ command: BundleCreate, _ client: KeywardClient) throws {
    if let path = command.signingKey {
      let der = try PEM.privateKey(SecretBox(SecretFile.read(path, limit: 1 << 14)))
      guard let key = try? PrivateKey(pkcs8: der.bytes, expecting: .ed25519) else {
        throw CommandFailure(.usage, "\(path) holds no Ed25519 private key.")
      }
      identity = Bundle.Signer(publicKey: try key.publicKey().raw(), name: nil)
      sign = { try key.sign(.ed25519, $0) }
      return
    }
    guard let name = try command.signerKey?.name else { throw ValidationError("No signer.") }
    let info = try client.showKey(name)
    guard info.type == .ed25519, let version = info.primaryVersion,
      let text = info.versions?.first(where: { $0.version == version })?.publicKey,
      let key = PEM.ed25519(text)
    else {
      throw CommandFailure(
        .usage,
        "\(name) is no Ed25519 key with an active version.",
        remedy: "Make one: keyward key create \(name) --type ed25519"
      )
    }
    identity = Bundle.Signer(publicKey: key, name: name)
    sign = { message in
      let body = SecretBox(try SecretBytes.fixture(message))
      return try client.transform(name, "sign", CryptoRequest(version: version), body).bytes
    }
  }
}
