import ArgumentParser
import Glibc
import KeywardModel
import KeywardPipeline
import KeywardSystem

struct BundleOpen: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open",
    abstract: "Write values of a bundle, without a server.",
    discussion: """
        keyward bundle open prod-eu.bundle --signer signer.pem --identity site.key \\
          kw://payments/db#password
        keyward bundle open prod-eu.bundle --signer signer.pem --identity site.key \\
          -f dotenv DB_PASSWORD=kw://payments/db#password --out .env

      Without references all values are written, in a form with names. The opening is put into a \
      local journal before a value is written: $KEYWARD_BUNDLE_JOURNAL, else \
      ~/.local/state/keyward/bundle-journal. 'keyward bundle report' brings it to the audit log of \
      the server later.
      """
  )

  @Argument(help: ArgumentHelp("The bundle.", valueName: "file"))
  var path: String
  @Argument(help: ArgumentHelp("What to write. (default: all)", valueName: "[NAME=]kw://…"))
  var references: [String] = []
  @OptionGroup
  var signers: TrustedSigners
  @OptionGroup
  var source: BundleSource
  @Option(
    help: ArgumentHelp(
      "The environment that it must be of. (default: $KEYWARD_ENV, else any)",
      valueName: "NAME"
    )
  )
  var env: String?
  @OptionGroup
  var form: ValueOutput
  @OptionGroup
  var server: ServerOptions

  func run() throws {
    let asked = try references.map(ValueRequest.parse)
    try form.prepare()
    let open = try source.open(path, trusting: signers.keys(), of: environment()) {
      try server.client()
    }
    let entries = try asked.isEmpty ? open.bundle.entries.map { ($0, nil) } : chosen(asked, open)
    let items = try entries.map { entry, name in
      OutputItem(
        name: try name
          ?? ValueRequest.name(entry.reference.field?.description ?? "", for: form.format),
        value: try open.value(of: entry)
      )
    }
    try OpeningRecord.keep(open.bundle, entries.map(\.0))
    try form.write(items)
  }

  private func environment() throws -> EnvironmentName? {
    let standard = ProcessEnvironment.all["KEYWARD_ENV"].flatMap { $0.isEmpty ? nil : $0 }
    guard let text = env ?? standard else { return nil }
    do throws(SpellingError) {
      return try EnvironmentName(text)
    } catch {
      throw CommandFailure(
        .usage,
        "--env: this is no environment:\n  " + error.pointing(in: text)
      )
    }
  }

  private func chosen(
    _ asked: [ValueRequest.Wanted],
    _ open: OpenBundle
  ) throws -> [(Bundle.Entry, String?)] {
    try asked.flatMap { want -> [(Bundle.Entry, String?)] in
      let entries =
        want.reference.field == nil
        ? open.bundle.entries.filter { entry in
          entry.reference.secret == want.reference.secret
            && (want.reference.version ?? entry.reference.version) == entry.reference.version
        } : [open.entry(for: want.reference)].compactMap { $0 }
      guard !entries.isEmpty else {
        throw CommandFailure(
          .notFound,
          "\(want.reference) is not in \(path), which is of \(open.bundle.environment).",
          remedy: "See what is: keyward bundle inspect \(path)"
        )
      }
      return entries.map { ($0, want.name) }
    }
  }
}

/// The journal of this user, and what is said of it.
enum OpeningRecord {
  static func journal() throws -> BundleJournal {
    let environment = ProcessEnvironment.all
    if let path = environment["KEYWARD_BUNDLE_JOURNAL"], !path.isEmpty {
      return BundleJournal(path: path)
    }
    let folder: String
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      folder = state + "/keyward"
    } else if let home = environment["HOME"], home.hasPrefix("/") {
      folder = home + "/.local/state/keyward"
    } else {
      throw CommandFailure(
        .usage,
        "There is no place for the journal of openings: HOME is not set.",
        remedy: "Set KEYWARD_BUNDLE_JOURNAL to the path of a file."
      )
    }
    try TokenFile.makeFolder(folder)
    return BundleJournal(path: folder + "/bundle-journal")
  }

  /// Puts an opening into the journal; without that nothing is given.
  static func keep(_ bundle: Bundle, _ entries: [Bundle.Entry]) throws {
    let journal = try journal()
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    try journal.add(
      BundleJournal.Opening(
        time: SystemTime().now(),
        digest: bundle.digest,
        environment: bundle.environment,
        by: "uid-\(geteuid())@\(host)",
        references: entries.map(\.reference)
      )
    )
    StandardStream.error(
      "keyward: This opening is in \(journal.path); the server knows of it only after"
        + " 'keyward bundle report'.\n"
    )
  }
}
