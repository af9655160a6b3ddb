import ArgumentParser
import Glibc
import KeywardCrypto
import KeywardModel
import KeywardPipeline

/// Which values a command is asked for: `[NAME=]kw://…` on the command line, else `get` of keyward.yaml.
struct ValueRequest: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "What to get. kw://project/name means all fields. (default: 'get' of keyward.yaml)",
      valueName: "[NAME=]kw://…"
    )
  )
  var references: [String] = []

  @Option(
    help: ArgumentHelp(
      "The project file. (default: keyward.yaml here or above, up to the repository's root)",
      valueName: "FILE"
    )
  )
  var project: String?

  /// A reference and the name that its value is to have; nil for that of its field.
  struct Wanted {
    let reference: SecretReference
    let name: String?
    /// Where it is asked for, for a plan and for errors.
    let origin: String
  }

  func wanted() throws -> [Wanted] {
    guard references.isEmpty else { return try references.map(Self.parse) }
    let file = try Self.projectFile(project)
    let bindings = file?.values ?? []
    guard !bindings.isEmpty else {
      throw CommandFailure(
        .usage,
        "Nothing is asked for.",
        remedy: "Name references, or put them under 'get' in keyward.yaml."
      )
    }
    return bindings.map { Wanted(reference: $0.reference, name: $0.name, origin: "\($0.place)") }
  }

  /// The project file that is named, or the one that is found; nil without.
  static func projectFile(_ named: String?) throws -> ProjectFile? {
    if let named { return try ProjectFile.read(named) }
    guard let folder = getcwd(nil, 0) else { return nil }
    defer { free(folder) }
    return try ProjectFile.path(from: String(cString: folder)).map { try ProjectFile.read($0) }
  }

  static func parse(_ argument: String) throws -> Wanted {
    var name: String?
    var text = argument[...]
    if !SecretReference.isMeant(by: argument), let equals = argument.firstIndex(of: "=") {
      name = String(argument[..<equals])
      text = argument[argument.index(after: equals)...]
    }
    let reference: SecretReference
    do throws(SpellingError) {
      reference = try SecretReference(String(text), form: .fieldOrWhole)
    } catch {
      throw CommandFailure(
        .usage,
        "This is no reference:\n  "
          + error.pointing(in: String(text)).replacing("\n", with: "\n  "),
        remedy: "Write kw://project/name#field, or NAME=kw://project/name#field."
      )
    }
    guard name == nil || reference.field != nil else {
      throw CommandFailure(.usage, "A name goes with one field, and \(reference) has all of them.")
    }
    return Wanted(reference: reference, name: name, origin: name ?? argument)
  }

  /// The places of each reference, for a plan.
  static func places(_ wanted: [Wanted]) -> [String: [String]] {
    Dictionary(grouping: wanted, by: \.reference.description).mapValues { $0.map(\.origin) }
  }

  /// Each reference once, in the order in which they are asked for.
  static func once(_ references: [SecretReference]) -> [String] {
    var seen: Set<String> = []
    return references.map(\.description).filter { seen.insert($0).inserted }
  }

  /// The values under their names.
  static func items(
    _ wanted: [Wanted],
    _ secrets: FetchedSecrets,
    _ format: ValueForm
  ) throws -> [OutputItem] {
    var items: [OutputItem] = []
    for want in wanted {
      guard let found = secrets[want.reference] else {
        throw CommandFailure(.notFound, "There is no value for \(want.reference).")
      }
      for field in found.fields {
        let name = try want.name ?? Self.name(field.name, for: format)
        items.append(OutputItem(name: name, value: field.value))
      }
    }
    return items
  }

  /// The name of a field as the form has names: `key.pem` is `KEY_PEM` in an environment.
  ///
  /// Whoever may write a secret chooses the names of its fields, and must not steer with them what
  /// the job runs.
  static func name(_ field: String, for format: ValueForm) throws -> String {
    guard format.namesVariables else { return field }
    let name = variable(field)
    guard !VariableName.isSteering(name) else {
      throw CommandFailure(
        .refused,
        "The field '\(field)' would become the variable \(name), which steers what programs do.",
        remedy: "Give the value another name: NAME=kw://project/name#\(field)."
      )
    }
    return name
  }

  private static func variable(_ field: String) -> String {
    String(
      decoding: field.utf8.map { byte -> UInt8 in
        switch byte {
        case 0x61...0x7a: byte - 0x20
        case 0x2d, 0x2e: 0x5f
        default: byte
        }
      },
      as: UTF8.self
    )
  }
}
