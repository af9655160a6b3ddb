import ArgumentParser
import KeywardCrypto
import KeywardModel

/// What every use of a key takes: its name, where the input is, where the result goes.
struct CryptoOptions: ParsableArguments {
  @Argument(help: "The key's name.")
  var name: KeyNameArgument

  @Option(
    name: .customLong("in"),
    help: ArgumentHelp(
      "Read the input from this file. (default: standard input)",
      valueName: "file"
    )
  )
  var input = "-"

  @Option(name: .customLong("version"), help: "The version. (default: primary, or the input's)")
  var number: Int?

  @Flag(help: "Ciphertexts, signatures and MACs are base64 text.")
  var base64 = false

  @OptionGroup
  var server: ServerOptions

  /// The input as it is.
  func data() throws -> SecretBox { try SecretInput.data(input) }

  /// The input where it is a ciphertext: base64 text when `--base64` says so.
  func ciphertext() throws -> SecretBox {
    let data = try data()
    guard base64 else { return data }
    return SecretBox(try SecretBytes.fixture(try Self.decode(data)))
  }

  /// Public bytes that were given as base64 text, with or without a line end.
  static func decode(_ text: SecretBox) throws -> [UInt8] {
    let line = String(decoding: try SecretInput.line(text).bytes.revealed(), as: UTF8.self)
    guard let bytes = Base64.decode(line) else {
      throw CommandFailure(.usage, "The input is no base64 text.", remedy: "Leave out --base64?")
    }
    return bytes
  }
}

/// Associated data of an encryption.
struct ContextOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Public text that the ciphertext is bound to, and that decryption must be given again.",
      valueName: "text"
    )
  )
  var context = ""

  var bytes: [UInt8] { Array(context.utf8) }
}

/// The scheme where a key type has several.
struct SchemeOptions: ParsableArguments {
  @Option(
    help: "The scheme, as rsa-pss, rsa-pkcs1, rsa-oaep, ecdsa, aes-kwp. (default: the type's)"
  )
  var algorithm: String?

  @Option(help: "The hash: sha256, sha384 or sha512. (default: the scheme's)")
  var hash: String?
}
