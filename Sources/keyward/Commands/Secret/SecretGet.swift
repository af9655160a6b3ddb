import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct SecretGet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Read one value of a secret.",
    discussion: """
      Prints the bytes of the field, and nothing else. A secret with one field needs no --field. \
      For many values in one form, such as dotenv or a Kubernetes Secret, use 'keyward get'.

        keyward secret get payments/db --field password --env dev --out password.txt
      """
  )

  @Argument(help: "The name, as payments/db.")
  var name: SecretNameArgument
  @OptionGroup
  var environment: EnvironmentOption
  @Option(help: "The field.")
  var field: String?
  @Option(help: "The version, instead of the newest.")
  var version: Int?
  @OptionGroup
  var out: ByteOutput
  @OptionGroup
  var server: ServerOptions

  func validate() throws {
    guard (1...Int(Int32.max)).contains(version ?? 1) else {
      throw ValidationError("--version is the number of a version, from 1.")
    }
  }

  func run() throws {
    let reference = SecretReference(
      try name.name,
      version: version,
      field: try field.map { try WireText.fieldName($0) }
    )
    let client = try server.client()
    try out.prepare()
    do {
      let (head, values) = try client.readSecret(reference, environment: environment.requested)
      let fields = head.results.flatMap(\.values).map(\.field)
      guard values.count == 1, let value = values.first else {
        throw CommandFailure(
          .usage,
          "The secret has \(fields.count) fields: \(fields.joined(separator: ", ")).",
          remedy: "Name one with --field."
        )
      }
      try out.write(value)
    } catch {
      out.discard()
      throw error
    }
  }
}
