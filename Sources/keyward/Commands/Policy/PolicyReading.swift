import ArgumentParser
import KeywardClient
import KeywardModel
import KeywardPolicy

/// The kind of a document as an argument, in any case: `Role`, `binding`, `approval-rule`.
struct PolicyKindArgument: ExpressibleByArgument {
  let kind: PolicyDocument.Kind

  init?(argument: String) {
    let wanted = argument.lowercased().filter { $0 != "-" }
    guard
      let kind = PolicyDocument.Kind.allCases.first(where: { $0.rawValue.lowercased() == wanted })
    else { return nil }
    self.kind = kind
  }

  func isOf(_ document: PolicyText.Document) -> Bool { document.kind == kind.rawValue }
}

struct PolicyGet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Print documents in the form that 'apply' takes.",
    discussion: """
        keyward policy get > policy.yaml
        keyward policy get Role etcd-encrypter
        keyward policy get --revision 11
      """
  )

  @Argument(help: "Role, Binding or ApprovalRule. (default: all)")
  var kind: PolicyKindArgument?
  @Argument(help: "Its name.")
  var name: String?
  @Option(help: "An older revision.")
  var revision: UInt64?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let policy = try server.client().policy(revision: revision)
    let documents = policy.documents.filter { document in
      (kind?.isOf(document) ?? true) && (name.map { $0 == document.name } ?? true)
    }
    guard name == nil || !documents.isEmpty else {
      throw CommandFailure(
        .notFound,
        "Revision \(policy.revision.revision) has no such document.",
        remedy: "List them with: keyward policy list."
      )
    }
    let shown = PolicyText(
      revision: policy.revision,
      documents: documents,
      officerUIDs: policy.officerUIDs
    )
    guard output.format == .json else {
      let text = shown.stream
      return StandardStream.output(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
    try output.print(shown) { "" }
  }
}

struct PolicyList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the documents, or with --revisions what the policy was."
  )

  @Flag(help: "The revisions that are kept, newest first.")
  var revisions = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  /// A document without its text.
  private struct Row: Encodable {
    let kind: String
    let name: String
  }

  func run() throws {
    let client = try server.client()
    guard !revisions else {
      let list = try client.policyRevisions().revisions
      return try output.print(list) {
        var table = Table(["REVISION", "CREATED", "AUTHOR", "DOCUMENTS"])
        for revision in list {
          table.add([
            String(revision.revision), revision.createdAt ?? "-", revision.author ?? "-",
            String(revision.documents),
          ])
        }
        return table.text
      }
    }
    let rows = try client.policy().documents.map { Row(kind: $0.kind, name: $0.name) }
    try output.print(rows) {
      guard !rows.isEmpty else { return "No documents: the built-in bindings alone decide." }
      var table = Table(["KIND", "NAME"])
      for row in rows { table.add([row.kind, row.name]) }
      return table.text
    }
  }
}
