package import KeywardModel

/// What would be fetched, for which environment, and whether policy allows it: no value is in it.
///
/// The same for `run`, `render` and `get`, with `--plan` or after a fetch that was refused.
package struct SecretPlan: Sendable, Encodable {
  package struct Line: Sendable, Encodable {
    package let reference: String
    /// Where it is wanted: a variable, a file and line, an argument.
    package let wantedBy: [String]
    package let outcome: SecretResolution.Outcome
    package let rule: String
    package let message: String?
    package let foundIn: String?
    package let version: Int?
    package let expiresAt: String?

    enum CodingKeys: String, CodingKey {
      case reference
      case wantedBy = "wanted_by"
      case outcome
      case rule
      case message
      case foundIn = "found_in"
      case version
      case expiresAt = "expires_at"
    }
  }

  package let environment: String
  package let environmentSource: EnvironmentSource
  package let isProduction: Bool
  package let isComplete: Bool
  package let lines: [Line]

  enum CodingKeys: String, CodingKey {
    case environment
    case environmentSource = "environment_source"
    case isProduction = "production"
    case isComplete = "complete"
    case lines = "secrets"
  }

  /// `wanted` says where each reference, as it was asked for, is wanted.
  package init(_ head: FetchSecretsHead, wanted: [String: [String]]) {
    environment = head.environment
    environmentSource = head.environmentSource
    isProduction = head.isProduction
    isComplete = head.isComplete
    lines = head.results.map { result in
      Line(
        reference: result.reference,
        wantedBy: wanted[result.reference] ?? [],
        outcome: result.outcome,
        rule: result.rule,
        message: result.message,
        foundIn: result.environment,
        version: result.version,
        expiresAt: result.expiresAt
      )
    }
  }

  /// Where the environment came from, in words.
  package var environmentWords: String {
    let origin =
      switch environmentSource {
      case .request: "--env"
      case .identity: "the identity"
      case .cluster: "the cluster of the identity"
      }
    return "\(environment)\(isProduction ? " (production)" : ""), from \(origin)"
  }

  /// The lines that keep the whole from happening.
  package var refused: [Line] { lines.filter { $0.outcome != .allowed } }

  /// The refusals, a line for each: where it is wanted, what, and which rule was missing.
  package var refusalWords: String {
    refused.map { line in
      // Without a name a value is wanted by its reference.
      let place = line.wantedBy.first.flatMap { $0 == line.reference ? nil : "\($0): " } ?? ""
      let words = line.message ?? line.outcome.rawValue
      let rule = words.contains(line.rule) ? "" : " (\(line.rule))"
      return "\(place)\(line.reference): \(words)\(rule)"
    }.joined(separator: "\n")
  }
}
