import ArgumentParser
import KeywardModel

/// Secrets and environments in the form for people.
enum SecretWords {
  static func written(_ written: SecretWritten) -> String {
    let secret = written.secret
    var text =
      "\(secret.name) in \(secret.environment) is at version \(secret.latestVersion)."
    if !written.reused.isEmpty {
      text += "\nA value was there before: \(written.reused.joined(separator: ", "))."
    }
    return text
  }

  static func list(_ secrets: [SecretInfo]) -> String {
    guard !secrets.isEmpty else { return "No secrets." }
    var table = Table(["NAME", "ENVIRONMENT", "KIND", "VERSION", "STATE", "FIELDS", "WRITTEN"])
    for secret in secrets {
      let newest = secret.versions.last
      table.add([
        secret.name, secret.environment, secret.kind.rawValue, String(secret.latestVersion),
        newest?.state.rawValue ?? "-",
        newest?.fields.map(\.name).joined(separator: ",") ?? "", newest?.createdAt ?? "",
      ])
    }
    return table.text
  }

  static func details(_ secret: SecretInfo) -> String {
    let metadata = secret.metadata.sorted { $0.key < $1.key }.map { ("\($0.key)", $0.value) }
    let pairs = Table.pairs(
      [
        ("Name", secret.name),
        ("Environment", secret.environment),
        ("Kind", secret.kind.rawValue),
        ("Latest version", String(secret.latestVersion)),
        ("Versions kept", String(secret.mostVersions)),
        ("Created", secret.createdAt),
      ] + metadata.map { ("Metadata " + $0.0, $0.1) }
    )
    return pairs + "\n\n" + history(secret.versions)
  }

  static func history(_ versions: [SecretVersionInfo]) -> String {
    var table = Table([
      "VERSION", "STATE", "ORIGIN", "WRITTEN", "BY", "FIELDS", "LAST READ", "NOTE",
    ])
    for version in versions {
      let last = version.uses.first.map { "\($0.at) \($0.principal)" }
      table.add([
        String(version.version), version.state.rawValue, version.origin.rawValue,
        version.createdAt, version.author,
        version.fields.map { "\($0.name) (\($0.length))" }.joined(separator: ", "),
        last ?? "-", note(version),
      ])
    }
    return table.text
  }

  static func difference(_ difference: SecretDifference) -> String {
    var text = "\(difference.same) names have the same fields in both."
    guard !difference.differences.isEmpty else { return text }
    var table = Table(["NAME", difference.from.uppercased(), difference.to.uppercased(), "NOTE"])
    for line in difference.differences {
      var notes: [String] = []
      if line.to == nil { notes.append("missing in \(difference.to)") }
      if line.from == nil { notes.append("only in \(difference.to)") }
      if line.from != nil, line.to != nil {
        if !line.missingFields.isEmpty {
          notes.append("fields missing: " + line.missingFields.joined(separator: ", "))
        }
        if !line.extraFields.isEmpty {
          notes.append("more fields: " + line.extraFields.joined(separator: ", "))
        }
      }
      table.add([line.name, place(line.from), place(line.to), notes.joined(separator: "; ")])
    }
    text = table.text + "\n" + text
    return text
  }

  static func report(_ lines: [SecretReport.Line]) -> String {
    guard !lines.isEmpty else { return "Nothing is unused or stale." }
    var table = Table(["NAME", "ENVIRONMENT", "VERSION", "WRITTEN", "LAST READ", "IS"])
    for line in lines {
      table.add([
        line.name, line.environment, String(line.version), line.createdAt,
        line.lastUsedAt ?? "-", line.reasons.map(\.rawValue).joined(separator: ", "),
      ])
    }
    return table.text
  }

  static func environments(_ environments: [EnvironmentDocument]) -> String {
    guard !environments.isEmpty else { return "No environments." }
    var table = Table(["NAME", "INHERITS", "PRODUCTION", "DESCRIPTION"])
    for environment in environments {
      table.add([
        environment.name, environment.inherits ?? "-", environment.production ? "yes" : "no",
        environment.description ?? "",
      ])
    }
    return table.text
  }

  private static func place(_ environment: String?) -> String { environment ?? "-" }

  private static func note(_ version: SecretVersionInfo) -> String {
    if let time = version.destroyedAt { return "destroyed \(time)" }
    if let time = version.deletedAt { return "deleted \(time)" }
    if let time = version.expiresAt { return "expires \(time)" }
    return ""
  }
}

/// The name of a secret as an argument.
struct SecretNameArgument: ExpressibleByArgument {
  private let text: String

  init?(argument: String) {
    text = argument
  }

  /// The name, or what is wrong with it and at which character.
  var name: SecretName {
    get throws { try WireText.secretName(text) }
  }
}

extension SecretKind: ExpressibleByArgument {}
