import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct SecretPut: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Write a new version of a secret.",
    discussion: """
      A field comes from a file, byte for byte; from standard input with -; from a descriptor with \
      fd:N; or from a prompt, where no source is named:

        keyward secret put payments/db --env dev --field user=user.txt --field password
        keyward secret put web/tls --env dev --kind tls --field tls.crt=web.crt --field tls.key=web.key
        pwgen | keyward secret put payments/db --env dev --merge --trim --field password=-

      Or the server makes it: alphanumeric, digits, hex, base64url, printable or bytes with a \
      length, or a key pair (ed25519, ec-p256, ec-p384, rsa-3072, rsa-4096), whose public half \
      goes to the field NAME.pub:

        keyward secret put payments/token --env dev --generate value=alphanumeric:40
        keyward secret put deploy/key --env dev --generate key=ed25519

      With --if-version N nothing is written unless N is the latest version; 0 means that there is \
      none yet.
      """
  )

  @Argument(help: "The name, as payments/db.")
  var name: SecretNameArgument
  @OptionGroup
  var environment: EnvironmentOption
  @Option(
    help: ArgumentHelp(
      "A field and where its value comes from; may be given often.",
      valueName: "name=file|-|fd:N"
    )
  )
  var field: [String] = []
  @Option(
    help: ArgumentHelp(
      "A field that the server makes; may be given often.",
      valueName: "name=form[:length]"
    )
  )
  var generate: [String] = []
  @Option(help: "What it is for, which decides the fields and their form.")
  var kind: SecretKind?
  @Flag(help: "Keep the other fields of the newest version.")
  var merge = false
  @Flag(help: "Take line ends off the end of each value.")
  var trim = false
  @Option(help: "Write only if this is the latest version; 0 for none.")
  var ifVersion: Int?
  @Option(help: ArgumentHelp("How long the version holds, as 90d.", valueName: "time"))
  var expires: Seconds?
  @Option(
    help: ArgumentHelp(
      "Custom metadata, in place of what there was; may be given often.",
      valueName: "name=value"
    )
  )
  var metadata: [String] = []
  @Option(help: "Keep at most so many versions.")
  var maxVersions: Int?
  @Flag(help: "Refuse a value that an older version had.")
  var refuseReuse = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard !field.isEmpty || !generate.isEmpty else {
      throw ValidationError("Give a value with --field, or have one made with --generate.")
    }
  }

  func run() throws {
    let name = try name.name
    var fields: [PutSecretRequest.Field] = []
    var values: [SecretBox] = []
    for text in field {
      let value = try SecretFieldSource(text, trimming: trim)
      fields.append(
        PutSecretRequest.Field(name: value.name.description, length: value.bytes.bytes.count)
      )
      values.append(value.bytes)
    }
    let request = PutSecretRequest(
      environment: environment.requested,
      kind: kind,
      fields: fields,
      generate: generate.isEmpty ? nil : try generate.map(Self.generation),
      merge: merge ? true : nil,
      expectedVersion: ifVersion,
      expiresIn: expires?.value,
      metadata: metadata.isEmpty ? nil : try Self.members(metadata),
      mostVersions: maxVersions,
      refuseReuse: refuseReuse ? true : nil
    )
    let written = try server.client().putSecret(name, request, values: values)
    try output.print(written) { SecretWords.written(written) }
  }

  private static func generation(_ text: String) throws -> PutSecretRequest.Generation {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let words = parts.count == 2 ? parts[1].split(separator: ":", maxSplits: 1) : []
    guard let first = words.first,
      let form = PutSecretRequest.Generation.Form(rawValue: String(first)),
      words.count == 1 || Int(words[1]) != nil
    else {
      let known = PutSecretRequest.Generation.Form.allCases.map(\.rawValue).joined(separator: ", ")
      throw CommandFailure(
        .usage,
        "--generate is a field and a form, as password=alphanumeric:40.",
        remedy: "Forms: \(known)."
      )
    }
    return PutSecretRequest.Generation(
      field: String(parts[0]),
      form: form,
      length: words.count == 2 ? Int(words[1]) : nil
    )
  }

  private static func members(_ texts: [String]) throws -> [String: String] {
    var members: [String: String] = [:]
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw CommandFailure(.usage, "--metadata is a name and a value, as owner=team-a.")
      }
      members[String(parts[0])] = String(parts[1])
    }
    return members
  }
}

/// A field of a write and its value, read from where the argument says.
private struct SecretFieldSource {
  let name: FieldName
  let bytes: SecretBox

  init(_ text: String, trimming: Bool) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    name = try WireText.fieldName(String(parts.first ?? ""))
    let value: SecretBox
    if parts.count < 2 {
      value = try Prompt.secret("Value of \(name): ")
    } else {
      value = try Self.read(String(parts[1]), of: name)
    }
    bytes = trimming ? try SecretInput.line(value) : value
    guard bytes.bytes.count <= SecretLimits.fieldBytes else {
      throw CommandFailure(
        .usage,
        "The value of '\(name)' has more than \(SecretLimits.fieldBytes) bytes."
      )
    }
  }

  private static func read(_ source: String, of name: FieldName) throws -> SecretBox {
    var path = source
    if source.hasPrefix("fd:") {
      guard let number = UInt16(source.dropFirst(3)) else {
        throw CommandFailure(.usage, "The source of '\(name)' is no descriptor, as fd:3.")
      }
      path = "/dev/fd/\(number)"
    }
    do {
      return try SecretInput.data(path, limit: SecretLimits.fieldBytes + 1)
    } catch {
      // Not the system's words, which name the path: it may be the value itself, typed by mistake.
      throw CommandFailure(
        .usage,
        "The file of the field '\(name)' cannot be read.",
        remedy: "A value is never an argument: give a file, - or fd:N, or only the name and "
          + "type the value. What stood here may be in the history of the shell."
      )
    }
  }
}
