import KeywardCrypto
import KeywardModel

@testable import KeywardPipeline

/// The answer of a server that has these values, each as version 7 of its secret.
func fetched(_ values: [String: [UInt8]], version: Int = 7) throws -> FetchedSecrets {
  let sorted = values.sorted { $0.key < $1.key }
  let head = FetchSecretsHead(
    environment: "prod-eu",
    environmentSource: .identity,
    isProduction: true,
    isComplete: true,
    results: try sorted.map { text, value in
      let reference = try SecretReference(text)
      return SecretResolution(
        reference: text,
        outcome: .allowed,
        rule: "role a, rule 1",
        environment: "prod-eu",
        version: reference.version ?? version,
        values: [.init(field: reference.field?.description ?? "", length: value.count)]
      )
    }
  )
  return try FetchedSecrets(
    head: head,
    values: sorted.map { SecretBox(try SecretBytes.fixture($0.value)) }
  )
}

/// The output of a rendering as one array of bytes.
func rendered(
  _ source: String,
  _ values: [String: [UInt8]],
  annotating: Bool = false
) throws -> [UInt8] {
  let rendering = try Rendering(Array(source.utf8), file: "m.yaml", annotating: annotating)
  var output: [UInt8] = []
  try rendering.write(rendering.filled(with: fetched(values))) { output += $0 }
  return output
}
