import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel
import KeywardSystem

struct KeyWrappingKey: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wrapping-key",
    abstract: "Public keys to import one key each under: fetch one, discard one.",
    discussion: """
        keyward key wrapping-key app/master --out wrap.pem
        keyward key wrapping-key discard app/master once:...

      'key wrapping-key NAME' is short for 'key wrapping-key fetch NAME'.
      """,
    subcommands: [KeyWrappingKeyFetch.self, KeyWrappingKeyDiscard.self],
    defaultSubcommand: KeyWrappingKeyFetch.self
  )
}

struct KeyWrappingKeyFetch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Fetch a public key to import one key under.",
    discussion: """
        keyward key wrapping-key app/master --out wrap.pem
        keyward key wrapping-key app/master --type rsa-3072 --ttl 1d

      The key NAME need not exist yet. The private half stays in Keyward, opens one import of NAME, \
      and is destroyed with it, at the end of its time, after 16 blobs that do not open, or by \
      'key wrapping-key discard'.
      """
  )

  @Argument(help: "The key that will be imported.")
  var name: KeyNameArgument
  @Option(help: "rsa-3072 or rsa-4096. (default: rsa-4096)")
  var type: String?
  @Option(help: ArgumentHelp("How long it waits, 1m to 7d. (default: 1h)", valueName: "time"))
  var ttl: Seconds?
  @Option(help: ArgumentHelp("Write the public key to this file, as PEM.", valueName: "file"))
  var out: String?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let name = try self.name.name
    let request = WrappingKeyRequest(type: type, ttl: ttl?.value)
    _ = try request.parsed()
    let key = try server.client().makeWrappingKey(name, request)
    guard let spki = Base64.decode(key.publicKey) else {
      throw CommandFailure(.failed, "The server's answer holds no public key.")
    }
    let pem = PEM.publicKey(spki)
    guard let id = WrappingKeyID(key.id) else {
      throw CommandFailure(.failed, "The server's answer holds no id of a wrapping key.")
    }
    // Of the key that is printed here, whatever the answer says.
    let fingerprint = Hex.encode(Digest.sha256(spki))
    if let out { try AtomicFile.write(Array((pem + "\n").utf8), to: out) }
    try output.print(key) {
      Table.pairs([
        ("Wrapping key", id.description),
        ("To import", name.description),
        ("Type", key.type.rawValue),
        ("Fingerprint", "SHA-256 of the SubjectPublicKeyInfo " + fingerprint),
        ("Valid until", key.validUntil),
        ("Algorithms", key.algorithms.map(\.rawValue).joined(separator: ", ")),
      ]) + (out == nil ? "\n\n" + pem : "") + "\n\n" + Self.next(id, name, pem: out ?? "wrap.pem")
    }
  }

  /// The commands that make a blob with `openssl`, and the one that brings it in.
  private static func next(_ id: WrappingKeyID, _ name: KeyName, pem: String) -> String {
    """
    While `openssl enc` below runs, others on that machine can read the ephemeral key from its arguments:
    use one that you are alone on. Raw bytes of a symmetric key need no ephemeral key: encrypt key.bin
    itself as ephemeral.bin is encrypted below, with each -pkeyopt, and import it with
    --wrapping RSAES_OAEP_SHA_256.

    Next, where the key is (raw bytes, or PKCS#8 DER, in key.bin), with the public key in \(pem):

      umask 077
      openssl rand -out ephemeral.bin 32
      openssl pkeyutl -encrypt -pubin -inkey \(CommandLineText.quoted(pem)) -in ephemeral.bin -out blob.bin \\
        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
      openssl enc -id-aes256-wrap-pad -iv a65959a6 -in key.bin \\
        -K "$(od -An -vtx1 ephemeral.bin | tr -d ' \\n')" >> blob.bin
      shred -u ephemeral.bin

    Then, where Keyward is:

      keyward key import \(name) --type TYPE --format raw|pkcs8 --in blob.bin \\
        --wrapping RSA_AES_KEY_WRAP_SHA_256 --wrapping-key \(id)
    """
  }
}

struct KeyWrappingKeyDiscard: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discard",
    abstract: "Destroy a wrapping key that was fetched and will not be used.",
    discussion: """
        keyward key wrapping-key discard app/master once:abcdefghijklmnopqrstuvwxyz

      Nothing that was wrapped under it can be imported any more. Fetch another one for that.
      """
  )

  @Argument(help: "The key that it was fetched for.")
  var name: KeyNameArgument
  @Argument(help: ArgumentHelp("The id that it was fetched with.", valueName: "once:…"))
  var id: IdentifierArgument<IdentifierKinds.WrappingKey>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let name = try self.name.name
    let key = try server.client().discardWrappingKey(name, id.id)
    try output.print(key) {
      "The wrapping key \(id.id) for \(name) is destroyed: it opens nothing any more."
    }
  }
}
