import ArgumentParser
import KeywardClient
import KeywardModel

/// A cloud, for the command that is the same for all.
protocol CloudNoun: SendableMetatype {
  static var command: String { get }
  static var title: String { get }
  /// The providers of destinations that it goes to.
  static var providers: [String] { get }
  /// What a line of help gives as an example of a key spec.
  static var keySpecs: String { get }
}

enum AWSNoun: CloudNoun {
  static let command = "aws"
  static let title = "AWS KMS"
  static let providers = ["aws"]
  static let keySpecs = "SYMMETRIC_DEFAULT, RSA_4096"
}

enum AzureNoun: CloudNoun {
  static let command = "azure"
  static let title = "Azure Key Vault or Managed HSM"
  static let providers = ["azure", "azure-managed-hsm"]
  static let keySpecs = "RSA-HSM, EC-HSM/P-256, oct-HSM"
}

enum GoogleNoun: CloudNoun {
  static let command = "google"
  static let title = "Google Cloud KMS"
  static let providers = ["google"]
  static let keySpecs = "GOOGLE_SYMMETRIC_ENCRYPTION, EC_SIGN_P256_SHA256"
}

enum OpenBaoNoun: CloudNoun {
  static let command = "openbao"
  static let title = "OpenBao transit"
  static let providers = ["openbao"]
  static let keySpecs = "aes256-gcm96, ecdsa-p256"
}

enum VaultNoun: CloudNoun {
  static let command = "vault"
  static let title = "Vault transit"
  static let providers = ["vault"]
  static let keySpecs = "aes256-gcm96, ecdsa-p256"
}

enum OCINoun: CloudNoun {
  static let command = "oci"
  static let title = "OCI Vault"
  static let providers = ["oci"]
  static let keySpecs = "AES, RSA"
}

enum IBMNoun: CloudNoun {
  static let command = "ibm"
  static let title = "IBM Key Protect"
  static let providers = ["ibm-key-protect"]
  static let keySpecs = "root"
}

enum HPCSNoun: CloudNoun {
  static let command = "hpcs"
  static let title = "IBM Hyper Protect Crypto Services"
  static let providers = ["ibm-hpcs"]
  static let keySpecs = "root"
}

enum AlibabaNoun: CloudNoun {
  static let command = "alibaba"
  static let title = "Alibaba Cloud KMS"
  static let providers = ["alibaba"]
  static let keySpecs = "Aliyun_AES_256"
}

enum TencentNoun: CloudNoun {
  static let command = "tencent"
  static let title = "Tencent Cloud KMS"
  static let providers = ["tencent"]
  static let keySpecs = "AES_256"
}

enum ExportMode: String, ExpressibleByArgument, CaseIterable {
  case push
  case bundle
}

/// `keyward export CLOUD KEY --to DESTINATION`: the two steps of an export as one command.
struct ExportCloud<Noun: CloudNoun>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: Noun.command,
      abstract: "Export a key to \(Noun.title).",
      discussion: """
        push: the server fetches the wrapping key, hands the wrapped key over and proves it. bundle: \
        the provider's answer goes in by --parameters, and a file with the wrapped key comes out, \
        with the commands that come next.

        Several keys are pushed one by one over a few connections, each under its own name with '-' \
        for all but letters and digits. Those that are there already are left out, so that the same \
        command goes on where it ended.

        A wrapping key that you bring yourself is plain export, which needs a right of its own, \
        unless its fingerprint stands in the destination.
        """
    )
  }

  @Argument(help: "The key's name, or several.")
  var names: [KeyNameArgument] = []
  @Option(
    name: .customLong("keys"),
    help: ArgumentHelp("The names of keys, one in a line, or - to read them.", valueName: "file")
  )
  var list: String?
  @Option(name: .customLong("to"), help: "The destination; see 'keyward destination list'.")
  var destination: RegistryNameArgument
  @Option(name: .customLong("version"), help: "The version. (default: primary)")
  var number: Int?
  @Option(help: "push or bundle.")
  var mode = ExportMode.push
  @Option(help: ArgumentHelp("What it becomes there, as \(Noun.keySpecs).", valueName: "spec"))
  var keySpec: String?
  @Option(help: ArgumentHelp("The provider's word for what it is used for.", valueName: "usage"))
  var usage: String?
  @Option(help: ArgumentHelp("As RSA_AES_KEY_WRAP_SHA_256.", valueName: "algorithm"))
  var wrappingAlgorithm: String?
  @Option(help: ArgumentHelp("2048, 3072 or 4096.", valueName: "bits"))
  var wrappingKeyBits: Int?
  @Option(
    name: .customLong("name"),
    help: ArgumentHelp("What the key is called there, where keys have names.", valueName: "name")
  )
  var targetName: String?
  @Option(
    help: ArgumentHelp("The key there to import into, in place of a new one.", valueName: "id")
  )
  var targetKey: String?
  @Option(
    help: ArgumentHelp("Azure, in a bundle: the versioned id of the KEK.", valueName: "kid")
  )
  var wrappingKeyID: String?
  @Option(
    help: ArgumentHelp(
      "When the material ends there, as 2027-01-31T12:00:00Z. (default: never)",
      valueName: "time"
    )
  )
  var validUntil: String?
  @Flag(help: "Make a multi-Region key (AWS).")
  var multiRegion = false
  @Option(help: ArgumentHelp("What people see in the provider's console.", valueName: "text"))
  var description: String?
  @Option(
    help: ArgumentHelp(
      "Bundle: what the provider answered when asked for parameters, or -.",
      valueName: "file"
    )
  )
  var parameters: String?
  @Flag(help: "Only say whether it would be allowed, and how it would be wrapped.")
  var dryRun = false
  @OptionGroup
  var file: ByteOutput
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  private var isBatch: Bool { names.count > 1 || list != nil }

  func validate() throws {
    guard !names.isEmpty || list != nil else {
      throw ValidationError("Name a key, or several, or give --keys FILE.")
    }
    if isBatch {
      guard mode == .push, number == nil, targetName == nil, targetKey == nil else {
        throw ValidationError(
          "Several keys are pushed, in their primary versions and under their own names: --mode "
            + "bundle, --version, --name and --target-key are for one."
        )
      }
    }
    if mode == .bundle, !dryRun {
      guard parameters != nil else { throw ValidationError("A bundle needs --parameters FILE.") }
      guard file.path != nil else { throw ValidationError("A bundle needs --out FILE.") }
    }
    guard mode == .bundle || (parameters == nil && file.path == nil) else {
      throw ValidationError("--parameters and --out go with --mode bundle.")
    }
  }

  func run() throws {
    if isBatch { return try runBatch() }
    let request = try request(names[0].name)
    let client = try server.client()
    let prepared = try client.prepareExport(request)
    try check(prepared)
    if dryRun { return try output.print(prepared) { ExportText.details(prepared) } }
    try ExportCompletion.run(prepared, client, file, output)
  }

  private func runBatch() throws {
    let lines = try list.map { try TextFile.read($0).split(whereSeparator: \.isNewline) } ?? []
    let listed = try lines.filter { !$0.allSatisfy(\.isWhitespace) }.map {
      try WireText.keyName(String($0))
    }
    let keys = try names.map { try $0.name } + listed
    guard let first = keys.first else {
      throw CommandFailure(.usage, "There are no names of keys in \(list ?? "").")
    }
    let report = try ExportBatch(
      keys: keys,
      template: try request(first),
      areNamed: Noun.command != AWSNoun.command,
      connect: { try server.client() },
      check: check
    ).run()
    try output.print(report) { report.text }
    guard !report.failures.isEmpty else { return }
    throw ExitCode((report.hasAnotherKey ? ExitStatus.verificationFailed : .failed).rawValue)
  }

  private func check(_ prepared: ExportInfo) throws {
    guard Noun.providers.contains(prepared.provider) else {
      throw CommandFailure(
        .usage,
        "The destination '\(destination.name)' is of \(prepared.provider), not of \(Noun.title).",
        remedy: "Use: keyward export \(ExportText.command(of: prepared.provider))."
      )
    }
  }

  private func request(_ key: KeyName) throws -> PrepareExportRequest {
    var request = PrepareExportRequest(
      key: key.description,
      destination: destination.name.description,
      mode: mode.rawValue
    )
    request.version = number
    request.keySpec = keySpec
    request.usage = usage
    request.wrappingAlgorithm = wrappingAlgorithm
    request.wrappingKeyBits = wrappingKeyBits
    request.targetName = targetName
    request.targetKey = targetKey
    request.wrappingKeyID = wrappingKeyID
    request.validUntil = validUntil
    request.multiRegion = multiRegion ? true : nil
    request.description = description
    request.parameters = try parameters.map { try TextFile.read($0, limit: 1 << 16) }
    request.dryRun = dryRun ? true : nil
    return request
  }
}

/// The second step, for an export and for a renewal.
enum ExportCompletion {
  static func run(
    _ prepared: ExportInfo,
    _ client: KeywardClient,
    _ file: ByteOutput,
    _ output: OutputOptions
  ) throws {
    // Before the blob leaves the server: it is given once.
    try file.prepare()
    let result: ExportResult
    do {
      result = try client.completeExport(prepared)
    } catch {
      file.discard()
      throw error
    }
    let commands = try write(result, to: file)
    try output.print(result) {
      ([ExportText.details(result.export)] + (commands.isEmpty ? [] : ["Next:"]) + commands)
        .joined(separator: "\n\n")
    }
    try check(result.export)
  }

  static func isAnotherKey(_ export: ExportInfo) -> Bool { export.state == "contradicted" }

  /// Fails if the copy was found to be another key.
  static func check(_ export: ExportInfo) throws {
    guard isAnotherKey(export) else { return }
    throw CommandFailure(
      .verificationFailed,
      "The key at the provider is not the one in Keyward: "
        + "\(export.proofDetail ?? "the proof failed").",
      remedy: "Do not use it. Look at the provider's key, then retire the export."
    )
  }

  /// Writes the files of a bundle, mode 0600 and by renaming; returns the commands with their names.
  private static func write(_ result: ExportResult, to file: ByteOutput) throws -> [String] {
    guard let path = file.path else { return result.commands }
    var commands = result.commands
    for (index, part) in result.files.enumerated() {
      guard let bytes = Base64.decode(part.content) else {
        throw CommandFailure(.failed, "The server's bundle cannot be read.")
      }
      var target = file
      target.path = index == 0 ? path : "\(path).\(part.name)"
      try target.write(bytes, asBase64: false)
      let name = target.path ?? part.name
      commands = commands.map { $0.replacing(part.name, with: name) }
    }
    return commands
  }
}
