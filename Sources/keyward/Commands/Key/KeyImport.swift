import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyImport: ParsableCommand {
  /// The forms of a file with material.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case raw
    case pkcs8
    case pem
  }

  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Bring in a key that was made elsewhere.",
    discussion: """
      The file holds the bytes themselves (raw), PKCS#8 DER (pkcs8) or unencrypted PKCS#8 PEM \
      (pem), and is readable by you alone. The material is never an argument.

        keyward key import etcd/old --type aes-256 --format raw --in key.bin
        keyward key import signing/old --type rsa-3072 --format pem --in key.pem
        keyward key import etcd/old --new-version --format raw --in next.bin
      """
  )

  @Argument(help: "A path of segments, as etcd/prod-eu.")
  var name: KeyNameArgument
  @Option(help: "The type of the new key.")
  var type: String?
  @Option(help: "raw for symmetric and opaque keys; pkcs8 or pem for key pairs.")
  var format: Format
  @Option(
    name: .customLong("in"),
    help: ArgumentHelp("The file with the material (mode 0600), or -.", valueName: "file")
  )
  var input: String
  @Flag(help: "Add a version to a key that exists, in place of a new key.")
  var newVersion = false
  @OptionGroup
  var limits: KeyLimitOptions
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard newVersion == (type == nil) else {
      throw ValidationError("Give either --type for a new key, or --new-version.")
    }
    let changes = limits.changes
    guard changes.allowedDestinations == nil, changes.requiredApprovals == nil else {
      throw ValidationError("Set destinations and approvals with 'keyward key update' afterwards.")
    }
    guard !newVersion || changes == UpdateKeyRequest() else {
      throw ValidationError("A new version has the limits of its key.")
    }
  }

  func run() throws {
    var material = try SecretInput.secret(input)
    if format == .pem { material = try PEM.privateKey(material) }
    let request = ImportRequest(
      format: format == .raw ? .raw : .pkcs8,
      newKey: try type.map { try limits.newKey(name.name, type: $0) }
    )
    let key = try server.client().importKey(name.name, request, material: material)
    try output.print(key) { KeyText.details(key) }
  }
}
