import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

/// A format that is no cloud's.
protocol FormatNoun {
  static var format: ExportKeyRequest.Format { get }
  static var title: String { get }
  static var need: FormatNeed { get }
}

/// What wraps a key in a format.
enum FormatNeed {
  case recipient
  case password
  /// An AES key.
  case wrappingKey
  /// An AES key, or nothing.
  case wrappingKeyOrNothing
  case nothing
}

enum JWENoun: FormatNoun {
  static let format = ExportKeyRequest.Format.jwe
  static let title = "a JWE with a JWK, for a public key"
  static let need = FormatNeed.recipient
}

enum PKCS8Noun: FormatNoun {
  static let format = ExportKeyRequest.Format.pkcs8
  static let title = "PKCS#8 encrypted under a password"
  static let need = FormatNeed.password
}

enum PKCS12Noun: FormatNoun {
  static let format = ExportKeyRequest.Format.pkcs12
  static let title = "PKCS#12 under a password"
  static let need = FormatNeed.password
}

enum TinkNoun: FormatNoun {
  static let format = ExportKeyRequest.Format.tink
  static let title = "a Tink keyset, under an AES-256 key or in the clear"
  static let need = FormatNeed.wrappingKeyOrNothing
}

enum PKCS11Noun: FormatNoun {
  static let format = ExportKeyRequest.Format.pkcs11
  static let title = "a wrap of PKCS#11 (CKM_AES_KEY_WRAP_KWP), under an AES key"
  static let need = FormatNeed.wrappingKey
}

enum PKCS11KWNoun: FormatNoun {
  static let format = ExportKeyRequest.Format.pkcs11KW
  static let title = "a wrap of PKCS#11 without padding (CKM_AES_KEY_WRAP), under an AES key"
  static let need = FormatNeed.wrappingKey
}

enum JWKNoun: FormatNoun {
  static let format = ExportKeyRequest.Format.jwk
  static let title = "a JWK in the clear"
  static let need = FormatNeed.nothing
}

enum RawNoun: FormatNoun {
  static let format = ExportKeyRequest.Format.raw
  static let title = "its bytes, or PKCS#8 DER, in the clear"
  static let need = FormatNeed.nothing
}

/// `keyward export FORMAT KEY --out FILE`.
struct ExportFile<Noun: FormatNoun>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: Noun.format.rawValue,
      abstract: "Export a key as \(Noun.title).",
      discussion: """
        This takes the right key:export, and a key whose operations have export: whoever has the \
        recipient's private key, the password or the file has the key.
        """
    )
  }

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @Option(name: .customLong("version"), help: "The version. (default: primary)")
  var number: Int?
  @Option(help: ArgumentHelp("PEM of the recipient's public key.", valueName: "file"))
  var recipient: String?
  @Option(
    help: ArgumentHelp(
      "The file with the password (mode 0600). (default: asked)",
      valueName: "file"
    )
  )
  var passwordFile: String?
  @Option(
    help: ArgumentHelp("The file with the AES key, 16 or 32 bytes (mode 0600).", valueName: "file")
  )
  var wrappingKeyFile: String?
  @OptionGroup
  var file: ByteOutput
  @OptionGroup
  var server: ServerOptions

  func validate() throws {
    guard file.path != nil else { throw ValidationError("Give --out FILE, or --out - to print.") }
    guard (Noun.need == .recipient) == (recipient != nil) else {
      throw ValidationError(
        Noun.need == .recipient
          ? "Give the recipient's key with --recipient FILE." : "--recipient does not go with this."
      )
    }
    guard Noun.need == .password || passwordFile == nil else {
      throw ValidationError("--password-file does not go with this.")
    }
    switch Noun.need {
    case .wrappingKeyOrNothing: break
    case .wrappingKey:
      guard wrappingKeyFile != nil else { throw ValidationError("Give --wrapping-key-file FILE.") }
    default:
      guard wrappingKeyFile == nil else {
        throw ValidationError("--wrapping-key-file does not go with this.")
      }
    }
  }

  func run() throws {
    let input: SecretBox
    switch Noun.need {
    case .recipient: input = try SecretInput.data(recipient ?? "", limit: 1 << 16)
    case .password:
      input = try SecretInput.passphrase(passwordFile, prompt: "Password: ", confirming: true)
    case .wrappingKey, .wrappingKeyOrNothing:
      input =
        try wrappingKeyFile.map { try SecretInput.secret($0) }
        ?? SecretBox(try SecretBytes(count: 0))
    case .nothing: input = SecretBox(try SecretBytes(count: 0))
    }
    let client = try server.client()
    try file.prepare()
    do {
      let body = try client.exportKey(
        try name.name,
        ExportKeyRequest(format: Noun.format, version: number),
        input: input
      )
      try file.write(body)
    } catch {
      file.discard()
      throw error
    }
    if let path = file.path, path != "-" { StandardStream.error("Wrote \(path).\n") }
  }
}
