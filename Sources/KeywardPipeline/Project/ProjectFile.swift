package import KeywardModel

/// `keyward.yaml`: which secrets a project needs and under which names, the same for every environment.
///
///     apiVersion: keyward.dev/v1
///     kind: Project
///     run:
///       env:   {DB_PASSWORD: kw://payments/db#password}
///       files: {KUBECONFIG: kw://clusters/main#kubeconfig}
///     get:
///       DB_PASSWORD: kw://payments/db#password
///
/// Unknown and doubled keys are errors with line and column, and so is an environment: that comes from
/// who runs it.
package struct ProjectFile: Equatable, Sendable {
  package static let standardName = "keyward.yaml"
  /// The longest, in bytes.
  package static let longest = 1 << 20

  /// A value under the name that the project gives it.
  package struct Binding: Equatable, Sendable {
    package let name: String
    package let reference: SecretReference
    package let place: PipelineError.Place
  }

  /// Variables of the process of `keyward run`.
  package private(set) var environment: [Binding] = []
  /// Variables that hold the path of a file with the value.
  package private(set) var files: [Binding] = []
  /// What `keyward get` writes when it is not told.
  package private(set) var values: [Binding] = []

  private let file: String

  /// Reads the text of a file, or says where it is not one.
  package init(parsing bytes: [UInt8], named file: String) throws(PipelineError) {
    self.file = file
    guard bytes.count <= Self.longest else {
      throw PipelineError(.input, "\(file) has more than \(Self.longest >> 20) MiB.")
    }
    let documents = try YAMLManifest(bytes, file: file, readingAll: true).documents
    guard documents.count <= 1 else {
      throw wrong(documents[1], "\(file) is one document, without '---' in it.")
    }
    guard let root = documents.first, root.text != "" else { return }
    try fields(of: root, "keyward.yaml", ["apiVersion", "kind", "run", "get"]) {
      (project, name, value) throws(PipelineError) in
      switch name {
      case "apiVersion": try project.constant(value, "keyward.dev/v1")
      case "kind": try project.constant(value, "Project")
      case "run": try project.readRun(value)
      default: project.values = try project.bindings(value, .json)
      }
    }
    guard environment.count + files.count + values.count <= SecretLimits.references else {
      throw PipelineError(.input, "\(file) has more than \(SecretLimits.references) references.")
    }
  }

  private mutating func readRun(_ node: ManifestNode) throws(PipelineError) {
    try fields(of: node, "run", ["env", "files"]) { (project, name, value) throws(PipelineError) in
      let bindings = try project.bindings(value, .shell)
      if name == "env" { project.environment = bindings } else { project.files = bindings }
    }
    for binding in files where environment.contains(where: { $0.name == binding.name }) {
      throw PipelineError(
        .input,
        at: binding.place,
        "\(binding.name) is a variable of 'env' already, and cannot be the path of a file too."
      )
    }
  }

  private func bindings(
    _ node: ManifestNode,
    _ names: ValueForm
  ) throws(PipelineError) -> [Binding] {
    guard let members = node.members else {
      throw wrong(node, "Here stands a mapping: NAME: kw://project/name#field.")
    }
    var bindings: [Binding] = []
    for (key, value) in members {
      guard let name = key.text else { throw wrong(key, "A name is text.") }
      do throws(PipelineError) {
        try names.check(name: name)
      } catch {
        throw wrong(key, error.message)
      }
      guard !bindings.contains(where: { $0.name == name }) else {
        throw wrong(key, "'\(name)' is here twice.")
      }
      guard case .scalar(let text, let style) = value.content else {
        throw wrong(value, "Here stands one reference: kw://project/name#field.")
      }
      bindings.append(
        Binding(name: name, reference: try reference(text, style, value), place: place(value))
      )
    }
    return bindings
  }

  private func reference(
    _ text: String,
    _ style: ManifestNode.Style,
    _ node: ManifestNode
  ) throws(PipelineError) -> SecretReference {
    do throws(SpellingError) {
      return try SecretReference(text)
    } catch {
      let isQuoted = style == .singleQuoted || style == .doubleQuoted
      let shift = style == .plain || isQuoted ? error.position + (isQuoted ? 1 : 0) : 0
      throw PipelineError(
        .input,
        at: .init(file: file, line: node.line, column: node.column + shift),
        "This is no reference: expected \(error.expected)."
      )
    }
  }

  private func constant(_ node: ManifestNode, _ text: String) throws(PipelineError) {
    guard node.text == text else { throw wrong(node, "Here stands \(text).") }
  }

  private mutating func fields(
    of node: ManifestNode,
    _ what: String,
    _ known: [String],
    _ take: (inout ProjectFile, String, ManifestNode) throws(PipelineError) -> Void
  ) throws(PipelineError) {
    guard let members = node.members else { throw wrong(node, "\(what) is a mapping.") }
    var seen: Set<String> = []
    for (key, value) in members {
      guard let name = key.text else { throw wrong(key, "A key is text.") }
      if name == "environment" || name == "env" && !known.contains("env") {
        throw wrong(
          key,
          "A project names no environment: it comes from who runs it, or from --env."
        )
      }
      guard known.contains(name) else {
        throw wrong(
          key,
          "'\(PipelineText.shown(name))' is no key of \(what), which has \(known.joined(separator: ", "))."
        )
      }
      guard seen.insert(name).inserted else { throw wrong(key, "'\(name)' is here twice.") }
      try take(&self, name, value)
    }
  }

  private func place(_ node: ManifestNode) -> PipelineError.Place {
    .init(file: file, line: node.line, column: node.column)
  }

  private func wrong(_ node: ManifestNode, _ message: String) -> PipelineError {
    PipelineError(.input, at: place(node), message)
  }
}
