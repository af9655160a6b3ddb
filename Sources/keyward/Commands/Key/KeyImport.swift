import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct KeyImport: ParsableCommand {
  /// The forms of a file with material.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case raw
    case pkcs8
    case pem
    case jwk
  }

  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Bring in a key that was made elsewhere.",
    discussion: """
      The file holds the bytes themselves (raw), PKCS#8 DER (pkcs8), unencrypted PKCS#8 PEM (pem) \
      or a JWK in the clear (jwk), and is readable by you alone; or, with --wrapping, a blob that \
      holds raw bytes or PKCS#8 DER. The material is never an argument. A JWK tells its type.

        keyward key import etcd/old --type aes-256 --format raw --in key.bin
        keyward key import signing/old --type rsa-3072 --format pem --in key.pem
        keyward key import signing/jose --format jwk --in key.jwk
        keyward key import etcd/old --new-version --format raw --in next.bin

      Wrapped, so that no clear key leaves the place that has it: under a key of \
      'keyward key wrapping-key', or under a key of Keyward's with the operation unwrap.

        keyward key import app/master --type aes-256 --format raw --in blob.bin \\
          --wrapping RSA_AES_KEY_WRAP_SHA_256 --wrapping-key once:...
        keyward key import app/db --type aes-256 --format raw --in blob.bin \\
          --wrapping AES_KWP --wrapping-key kek/hsm
      """
  )

  @Argument(help: "A path of segments, as etcd/prod-eu.")
  var name: KeyNameArgument
  @Option(help: "The type of the new key. (default: the JWK's)")
  var type: String?
  @Option(help: "raw for symmetric and opaque keys; pkcs8 or pem for key pairs; or jwk.")
  var format: Format
  @Option(
    name: .customLong("in"),
    help: ArgumentHelp(
      "The file with the material (mode 0600) or with the blob, or -.",
      valueName: "file"
    )
  )
  var input: String
  @Flag(help: "Add a version to a key that exists, in place of a new key.")
  var newVersion = false
  @OptionGroup
  var wrapping: ImportWrappingOptions
  @OptionGroup
  var limits: KeyLimitOptions
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard newVersion ? type == nil : type != nil || format == .jwk else {
      throw ValidationError("Give either --type for a new key, or --new-version.")
    }
    guard !newVersion || limits.changes == UpdateKeyRequest() else {
      throw ValidationError("A new version has the limits of its key.")
    }
    guard format == .raw || format == .pkcs8 || !wrapping.isGiven else {
      throw ValidationError("A blob holds raw bytes or PKCS#8 DER: give --format raw or pkcs8.")
    }
  }

  func run() throws {
    let client = try server.client()
    let key: KeyInfo
    if format == .jwk {
      let jwk = try JWKFile(try SecretInput.secret(input))
      let newKey = try newVersion ? nil : limits.newKey(name.name, type: jwk.type(type).rawValue)
      // The key's own words are asked for only if the file has words to compare them with.
      let existing = try newVersion && jwk.isPurposeStated ? client.showKey(name.name) : nil
      try jwk.check(newKey, existing)
      let request = ImportRequest(format: jwk.form, newKey: newKey)
      key = try client.importKey(name.name, request, material: jwk.material)
    } else {
      let request = ImportRequest(
        format: format == .raw ? .raw : .pkcs8,
        newKey: try type.map { try limits.newKey(name.name, type: $0) },
        wrapping: try wrapping.value
      )
      key = try client.importKey(name.name, request, material: try material())
    }
    try output.print(key) { KeyText.details(key) }
  }

  private func material() throws -> SecretBox {
    // A blob is for anyone's eyes; what it holds is not there to be read.
    if wrapping.isGiven { return try SecretInput.data(input, limit: 1 << 16) }
    let material = try SecretInput.secret(input)
    return format == .pem ? try PEM.privateKey(material) : material
  }
}

/// How the file of an import is wrapped.
struct ImportWrappingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How the file is wrapped, as RSAES_OAEP_SHA_256, RSA_AES_KEY_WRAP_SHA_256 or AES_KWP.",
      valueName: "algorithm"
    )
  )
  var wrapping: String?
  @Option(
    help: ArgumentHelp(
      "The id that 'key wrapping-key' gave, or the name of a key with the operation unwrap.",
      valueName: "id|name"
    )
  )
  var wrappingKey: String?
  @Option(
    help: ArgumentHelp(
      "The version of the named wrapping key. (default: primary)",
      valueName: "number"
    )
  )
  var wrappingKeyVersion: Int?

  var isGiven: Bool { wrapping != nil }

  func validate() throws {
    guard (wrapping == nil) == (wrappingKey == nil), wrapping != nil || wrappingKeyVersion == nil
    else { throw ValidationError("--wrapping and --wrapping-key go together.") }
    do {
      _ = try value
    } catch let error as ServiceError {
      throw ValidationError([error.message, error.remedy ?? ""].joined(separator: " "))
    }
  }

  var value: ImportWrapping? {
    get throws {
      guard let wrapping, let wrappingKey else { return nil }
      let algorithm = try ImportWrapping.Algorithm(named: wrapping)
      guard let id = WrappingKeyID(wrappingKey) else {
        guard !wrappingKey.hasPrefix("once:") else {
          throw ValidationError("The id of a wrapping key is once: and 26 characters.")
        }
        let name = try WireText.keyName(wrappingKey)
        return ImportWrapping(algorithm, under: .named(name, version: wrappingKeyVersion))
      }
      guard wrappingKeyVersion == nil else {
        throw ValidationError("A wrapping key that was fetched has one version.")
      }
      return ImportWrapping(algorithm, under: .oneTime(id))
    }
  }
}
