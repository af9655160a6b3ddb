/// The forms in which `keyward get` writes values.
///
/// What each can carry, and what reads it, is in docs/render.md. A value that a form cannot carry to
/// its reader unchanged is refused with the reason; nothing is changed on the way.
package enum ValueForm: String, CaseIterable, Sendable {
  /// The bytes of one value and nothing else.
  case raw
  case dotenv
  case shell
  case json
  case yaml
  case properties
  case kubernetesSecret = "k8s-secret"
  /// Lines for `$GITHUB_ENV`, and masks for the log.
  case github
  /// The artifact of `artifacts:reports:dotenv`.
  case gitlab = "gitlab-dotenv"
  /// Logging commands that set secret variables.
  case azure = "azure-pipelines"
  case docker = "docker-env"

  /// Whether names are those of environment variables.
  package var namesVariables: Bool {
    switch self {
    case .dotenv, .shell, .github, .gitlab, .azure, .docker: true
    case .raw, .json, .yaml, .properties, .kubernetesSecret: false
    }
  }

  /// Refuses a name that the form cannot have.
  package func check(name: String) throws(PipelineError) {
    switch self {
    case .raw: return
    case .json, .yaml, .properties:
      guard !name.isEmpty, name.utf8.count <= 256, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
      else { throw wrong(name, "1 to 256 printable ASCII characters without spaces") }
    case .kubernetesSecret:
      guard (1...253).contains(name.utf8.count), name != ".", !name.hasPrefix(".."),
        name.utf8.allSatisfy({ Self.isWord($0) || $0 == 0x2d || $0 == 0x2e })
      else { throw wrong(name, "1 to 253 of A-Z a-z 0-9 . _ -") }
    case .dotenv, .shell, .github, .gitlab, .azure, .docker:
      guard (1...256).contains(name.utf8.count), name.utf8.allSatisfy(Self.isWord),
        let first = name.utf8.first, !(0x30...0x39).contains(first)
      else { throw wrong(name, "A-Z a-z 0-9 _, not beginning with a digit") }
      try checkReserved(name)
    }
  }

  /// Names that the runner ignores or that would change what runs next.
  private func checkReserved(_ name: String) throws(PipelineError) {
    let upper = name.uppercased()
    guard !VariableName.isCommanding(upper) else {
      throw PipelineError(
        .input,
        "'\(name)' decides which programs run; no secret goes there.",
        remedy: "Take another name: NAME=kw://…"
      )
    }
    let isReserved =
      switch self {
      case .github:
        upper.hasPrefix("GITHUB_") || upper.hasPrefix("RUNNER_") || upper == "NODE_OPTIONS"
          || upper == "CI"
      case .gitlab: upper.hasPrefix("CI_") || upper.hasPrefix("GITLAB_") || upper == "CI"
      case .azure:
        // A dot in a name reads as an underscore in the environment, and the reverse.
        ["AGENT_", "BUILD_", "ENDPOINT_", "RELEASE_", "SYSTEM_", "TF_", "VSTS_", "VSO_"]
          .contains { upper.hasPrefix($0) }
      default: false
      }
    guard !isReserved else {
      throw PipelineError(
        .input,
        "'\(name)' is a variable of the platform's own, which it does not let be set.",
        remedy: "Take another name: NAME=kw://…"
      )
    }
  }

  private func wrong(_ name: String, _ rule: String) -> PipelineError {
    PipelineError(
      .input,
      "'\(PipelineText.shown(name))' cannot be a name in the form \(rawValue), which takes \(rule).",
      remedy: "Give the value another name: NAME=kw://…"
    )
  }

  static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x5f
  }
}

/// Text of others for a message: short, and without characters that move a terminal.
package enum PipelineText {
  package static func shown(_ text: String) -> String {
    String(
      text.unicodeScalars.prefix(80).map { scalar in
        (32..<127).contains(scalar.value) || scalar.value >= 160 ? Character(scalar) : "?"
      }
    )
  }
}
