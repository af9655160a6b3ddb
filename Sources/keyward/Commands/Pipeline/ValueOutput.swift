import ArgumentParser
import Glibc
import KeywardCrypto
import KeywardModel
import KeywardPipeline
import KeywardSystem

extension ValueForm: ExpressibleByArgument {}

/// In which form values are written, and where.
struct ValueOutput: ParsableArguments {
  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp(
      "The form: "
        + ValueForm.allCases.map(\.rawValue).joined(separator: ", ") + ".",
      valueName: "form"
    )
  )
  var format = ValueForm.raw
  @Option(
    name: .customLong("secret-name"),
    help: ArgumentHelp("For k8s-secret: the name of the Secret.", valueName: "name")
  )
  var secretName: String?
  @Option(help: ArgumentHelp("For k8s-secret: its namespace.", valueName: "name"))
  var namespace: String?
  @Option(
    name: .customLong("secret-type"),
    help: ArgumentHelp("For k8s-secret: its type. (default: Opaque)", valueName: "type")
  )
  var secretType: String?
  @OptionGroup
  var output: ByteOutput

  func validate() throws {
    guard (format == .kubernetesSecret) == (secretName != nil) else {
      throw ValidationError("--format k8s-secret and --secret-name go together.")
    }
    guard format == .kubernetesSecret || (namespace == nil && secretType == nil) else {
      throw ValidationError("--namespace and --secret-type go with --format k8s-secret.")
    }
  }

  /// Checks what can be known before values are asked for.
  func prepare() throws {
    _ = try head()
    if format == .github { _ = try variablesPath() }
  }

  /// Writes the items; nothing is written if one of them cannot be.
  func write(_ items: [OutputItem]) throws {
    let delimiter = "keyward_\(Hex.encode(try RandomSource.bytes(16)))"
    let text = try format.write(items, head: try head(), delimiter: delimiter)
    guard let variables = text.variables else { return try output.write(text.standard) }
    // The log must know what to hide before anything can show it.
    try text.standard.bytes.withUnsafeBytes { try ByteOutput.writeAll($0) }
    let path = try variablesPath()
    let file = try FileDescriptor.open(path, O_WRONLY | O_APPEND)
    try variables.bytes.withUnsafeBytes { (bytes) throws(SystemError) in
      try file.write(bytes, to: path)
    }
  }

  private func head() throws -> KubernetesSecretHead? {
    guard let secretName else { return nil }
    return try KubernetesSecretHead(
      name: secretName,
      namespace: namespace,
      type: secretType ?? "Opaque"
    )
  }

  /// The file that a runner of GitHub reads variables from.
  private func variablesPath() throws -> String {
    guard output.path == nil else {
      throw CommandFailure(
        .usage,
        "--format github writes to the file of $GITHUB_ENV, not to --out."
      )
    }
    guard let path = ProcessEnvironment.all["GITHUB_ENV"], !path.isEmpty else {
      throw CommandFailure(
        .usage,
        "GITHUB_ENV is not set: --format github is for the steps of GitHub Actions."
      )
    }
    return path
  }
}

/// Bytes as digits of base 16.
enum Hex {
  static func encode(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
