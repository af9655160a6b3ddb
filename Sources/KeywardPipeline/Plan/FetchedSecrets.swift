package import KeywardCrypto
package import KeywardModel

/// The values of a fetch by what they were asked for, still in the arena.
package struct FetchedSecrets: Sendable {
  package struct Found: Sendable {
    package let version: Int
    /// In the order of the names of the fields.
    package let fields: [(name: String, value: SecretBox)]
  }

  package let environment: String
  private var found: [String: Found] = [:]

  /// Takes the answer of a fetch in which everything was found; see `SecretPlan` for what was not.
  package init(head: FetchSecretsHead, values: [SecretBox]) throws(PipelineError) {
    environment = head.environment
    var next = values.startIndex
    for result in head.results {
      var fields: [(name: String, value: SecretBox)] = []
      for value in result.values where value.length != nil {
        guard next < values.endIndex else { throw Self.unintelligible }
        fields.append((value.field, values[next]))
        next += 1
      }
      guard result.outcome == .allowed, let version = result.version, !fields.isEmpty else {
        throw Self.unintelligible
      }
      found[result.reference] = Found(version: version, fields: fields)
    }
    guard next == values.endIndex else { throw Self.unintelligible }
  }

  /// What was found for a reference, spelled as it was asked for.
  package subscript(reference: SecretReference) -> Found? { found[reference.description] }

  /// The one value of a reference with a field.
  package func value(of reference: SecretReference) -> SecretBox? {
    guard let fields = self[reference]?.fields, fields.count == 1 else { return nil }
    return fields.first?.value
  }

  private static let unintelligible = PipelineError(
    .failed,
    "The server's answer does not fit what was asked for.",
    remedy: "Is it a Keyward server of this version? Compare 'keyward version' and its log."
  )
}
