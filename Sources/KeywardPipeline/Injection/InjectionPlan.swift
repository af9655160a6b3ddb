import KeywardModel

/// What is put into a process: each variable once, from one source.
package struct InjectionPlan: Sendable {
  package private(set) var injections: [Injection] = []
  /// What the process has besides, of what was inherited.
  package private(set) var inherited: InheritedEnvironment
  /// Variables of the platform that begin as a reference and stay as they are.
  package private(set) var platformTexts: [String] = []

  /// Takes references out of the environment: variables whose whole value is one.
  ///
  /// One that begins as a reference and is none is an error at its character. A platform's own
  /// variables, such as the title of a merge request, have text of outsiders: none is taken.
  package init(_ environment: InheritedEnvironment) throws(PipelineError) {
    var rest: [InheritedEnvironment.Variable] = []
    var found: [Injection] = []
    for variable in environment.variables {
      guard variable.value.starts(with: "kw://".utf8) else {
        rest.append(variable)
        continue
      }
      guard !Self.isOfPlatform(variable.name) else {
        rest.append(variable)
        platformTexts.append(String(decoding: variable.name, as: UTF8.self).printableASCII)
        continue
      }
      let name = try VariableName(String(decoding: variable.name, as: UTF8.self))
      let text = String(decoding: variable.value, as: UTF8.self)
      found.append(
        Injection(
          name: name,
          reference: try Self.reference(text, of: name, in: "the environment"),
          form: .variable,
          origin: "the environment"
        )
      )
    }
    inherited = InheritedEnvironment(rest)
    injections = found
  }

  /// Adds injections of one source.
  ///
  /// A name that there is already is an error, unless it is one of `overriding`: which of two
  /// values a command gets must not depend on an order that nobody reads.
  package mutating func add(
    _ more: [Injection],
    overriding: Set<VariableName> = []
  ) throws(PipelineError) {
    for injection in more {
      if let index = injections.firstIndex(where: { $0.name == injection.name }) {
        guard overriding.contains(injection.name) else {
          throw Self.clash(injection, with: injections[index].origin)
        }
        injections.remove(at: index)
      }
      if inherited[injection.name.description] != nil {
        guard overriding.contains(injection.name) else {
          throw Self.clash(injection, with: "the environment")
        }
        inherited = InheritedEnvironment(
          inherited.variables.filter {
            !$0.name.elementsEqual(injection.name.description.utf8)
          }
        )
      }
      injections.append(injection)
    }
  }

  /// Each reference once, in the order of its first use.
  package var references: [String] {
    var seen: Set<String> = []
    return injections.map(\.reference.description).filter { seen.insert($0).inserted }
  }

  /// Where each reference is wanted, for plans and refusals.
  package var wanted: [String: [String]] {
    Dictionary(grouping: injections, by: \.reference.description).mapValues { injections in
      injections.map { "\($0.name) (\($0.origin))" }
    }
  }

  /// Reads `NAME=kw://…` of an option.
  package static func injection(
    _ text: String,
    form: Injection.Form,
    option: String
  ) throws(PipelineError) -> Injection {
    guard let equals = text.firstIndex(of: "=") else {
      throw PipelineError(
        .input,
        "\(option) takes NAME=kw://project/name#field, not '\(text.printableASCII)'."
      )
    }
    let name = try VariableName(String(text[..<equals]))
    let reference = String(text[text.index(after: equals)...])
    // A value in its place would be a secret among the arguments.
    guard SecretReference.isMeant(by: reference) else {
      throw PipelineError(
        .input,
        "\(option) \(name)=… takes a reference, kw://project/name#field.",
        remedy: "Values are never arguments. Set plain variables as ever: NAME=value keyward run …"
      )
    }
    return Injection(
      name: name,
      reference: try Self.reference(reference, of: name, in: option),
      form: form,
      origin: option
    )
  }

  private static func reference(
    _ text: String,
    of name: VariableName,
    in origin: String
  ) throws(PipelineError) -> SecretReference {
    do throws(SpellingError) {
      return try SecretReference(text)
    } catch {
      throw PipelineError(
        .input,
        "\(name) (\(origin)) is no reference:\n  "
          + error.pointing(in: text).split(separator: "\n", omittingEmptySubsequences: false)
          .joined(separator: "\n  ")
      )
    }
  }

  private static func isOfPlatform(_ name: [UInt8]) -> Bool {
    platforms.contains { name.starts(with: $0.utf8) }
  }

  /// GitLab, GitHub, Azure Pipelines, Jenkins and its plugins, and others.
  private static let platforms = [
    "AGENT_", "ARGOCD_", "BITBUCKET_", "BUILDKITE_", "BUILD_", "CHANGE_", "CIRCLE_", "CI_",
    "DRONE_", "GITHUB_", "GITLAB_", "GIT_", "RELEASE_", "RUNNER_", "SYSTEM_", "TAG_", "TEAMCITY_",
    "TRAVIS_",
    "gitlab", "ghprb",
  ]

  private static func clash(_ injection: Injection, with origin: String) -> PipelineError {
    PipelineError(
      .input,
      "\(injection.name) comes from \(injection.origin) and from \(origin).",
      remedy: "Remove one, or say --override \(injection.name) to take that of \(injection.origin)."
    )
  }
}
