import ArgumentParser
import Glibc
import KeywardClient
import KeywardCrypto
import KeywardModel
import KeywardPipeline
import KeywardSystem

struct BundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle",
    abstract: "Take secrets to where the server cannot be reached.",
    subcommands: [BundleCreate.self, BundleOpen.self, BundleInspect.self, BundleReport.self]
  )
}

/// Who may be believed to have made a bundle.
struct TrustedSigners: ParsableArguments {
  @Option(
    name: .customLong("signer"),
    help: ArgumentHelp(
      "The public key (PEM, Ed25519) of who makes bundles. (default: $KEYWARD_BUNDLE_SIGNER)",
      valueName: "FILE"
    )
  )
  var files: [String] = []

  func keys() throws -> [[UInt8]] {
    let standard = ProcessEnvironment.all["KEYWARD_BUNDLE_SIGNER"].flatMap { $0.isEmpty ? nil : $0 }
    return try (files.isEmpty ? [standard].compactMap { $0 } : files).map(Self.key)
  }

  static func key(_ path: String) throws -> [UInt8] {
    guard let key = PEM.ed25519(try TextFile.read(path, limit: 1 << 14)) else {
      throw CommandFailure(
        .usage,
        "\(path) holds no Ed25519 public key (BEGIN PUBLIC KEY).",
        remedy: "Get it: keyward key show KEY --public-key > signer.pem"
      )
    }
    return key
  }
}

/// A bundle that exists, and what opens it.
struct BundleSource: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Identities of age that may open it, mode 0600. (default: $KEYWARD_BUNDLE_IDENTITY)",
      valueName: "FILE"
    )
  )
  var identity: [String] = []

  /// Checks a bundle and opens it, with an identity or, where a key of the server wraps it, there.
  func open(
    _ path: String,
    trusting signers: [[UInt8]],
    of environment: EnvironmentName? = nil,
    client: () throws -> KeywardClient
  ) throws -> OpenBundle {
    let bundle = try Self.read(path)
    try bundle.verify(trusting: signers, now: SystemTime().now())
    guard environment == nil || bundle.environment == environment else {
      throw CommandFailure(
        .refused,
        "\(path) is of the environment \(bundle.environment).",
        remedy: "Give the bundle of the environment that --env names."
      )
    }
    return try unlock(bundle, path, client: client)
  }

  func unlock(
    _ bundle: Bundle,
    _ path: String,
    client: () throws -> KeywardClient
  ) throws -> OpenBundle {
    let standard = ProcessEnvironment.all["KEYWARD_BUNDLE_IDENTITY"]
      .flatMap { $0.isEmpty ? nil : $0 }
    let files = identity.isEmpty ? [standard].compactMap { $0 } : identity
    var identities: [AgeIdentity] = []
    for file in files {
      let secret = try SecretFile.read(file, limit: 1 << 16, followingLinks: true)
      identities += try AgeIdentity.parse(file: secret, named: file)
    }
    if !identities.isEmpty, let open = try bundle.unlock(with: identities) { return open }
    guard files.isEmpty, let wrapped = bundle.serverKeys.first else {
      throw CommandFailure(
        .refused,
        "\(path) is not for you: no identity opens it.",
        remedy: "Its recipients: keyward bundle inspect \(path)"
      )
    }
    let answer = try client().reveal(
      wrapped.name,
      "decrypt",
      CryptoRequest(context: BundleWrapping.context),
      SecretBox(SecretBytes.fixture(wrapped.ciphertext))
    )
    return try bundle.unlock(key: answer.body)
  }

  static func read(_ path: String) throws -> Bundle {
    let file = try FileDescriptor.open(path, O_RDONLY)
    return try Bundle(parsing: try file.readAll(from: path, limit: Bundle.longest), named: path)
  }
}

/// How keys of a server wrap the key of a bundle.
enum BundleWrapping {
  /// Binds the ciphertext to its use, so that no other ciphertext of the key is taken for one.
  static let context = Array("keyward/v1/bundle".utf8)
}

struct BundleInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a bundle says of itself; with a signer, whether that is true."
  )

  @Argument(help: ArgumentHelp("The bundle.", valueName: "file"))
  var path: String
  @OptionGroup
  var signers: TrustedSigners
  @OptionGroup
  var output: OutputOptions

  private struct Report: Encodable {
    let environment: String
    let created: String
    let expires: String
    let isExpired: Bool
    let signer: String
    let signerName: String?
    let isVerified: Bool
    let recipients: [String]
    let values: [String]
    let digest: String

    enum CodingKeys: String, CodingKey {
      case environment
      case created
      case expires
      case isExpired = "expired"
      case signer
      case signerName = "signer_name"
      case isVerified = "verified"
      case recipients
      case values
      case digest
    }
  }

  func run() throws {
    let bundle = try BundleSource.read(path)
    let now = SystemTime().now()
    let trusted = try signers.keys()
    if !trusted.isEmpty { try bundle.verify(trusting: trusted, now: now) }
    let report = Report(
      environment: bundle.environment.description,
      created: bundle.created.rfc3339,
      expires: bundle.expires.rfc3339,
      isExpired: now >= bundle.expires,
      signer: Base64.encode(bundle.signer.publicKey),
      signerName: bundle.signer.name?.description,
      isVerified: !trusted.isEmpty,
      recipients: bundle.recipients.map(\.description),
      values: bundle.entries.map(\.reference.description),
      digest: Hex.encode(bundle.digest)
    )
    try output.print(report) {
      Table.pairs([
        ("Environment", report.environment), ("Made", report.created),
        ("Expires", report.expires + (report.isExpired ? " (expired)" : "")),
        ("Signer", report.signer + (report.signerName.map { " (\($0))" } ?? "")),
        ("Signature", report.isVerified ? "holds" : "not checked: name the key with --signer"),
      ])
        + report.recipients.map { "\nRecipient    \(Table.printable($0))" }.joined()
        + report.values.map { "\nValue        \(Table.printable($0))" }.joined()
    }
  }
}
