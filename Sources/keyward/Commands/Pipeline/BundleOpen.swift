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

      A value is not taken from an older bundle than before: $KEYWARD_BUNDLE_FLOOR, else \
      ~/.local/state/keyward/bundle-floor, keeps how new that was. A machine that keeps no files \
      takes any bundle that has not expired, unless --not-before says how new it must be.
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
  @Option(
    help: ArgumentHelp(
      "It must not have been made before, as 7d or 2027-01-31T18:00:00Z."
        + " (default: $KEYWARD_BUNDLE_NOT_BEFORE, else any time)",
      valueName: "time"
    )
  )
  var notBefore: Since?
  @Flag(help: "Go back on purpose: take values from an older bundle than before.")
  var allowOlder = false
  @OptionGroup
  var form: ValueOutput
  @OptionGroup
  var server: ServerOptions

  func run() throws {
    let asked = try references.map(ValueRequest.parse)
    try form.prepare()
    let earliest = try earliest()
    let open = try source.open(path, trusting: signers.keys(), of: environment()) {
      try server.client()
    }
    try Self.check(open.bundle, path, notBefore: earliest)
    let entries = try asked.isEmpty ? open.bundle.entries.map { ($0, nil) } : chosen(asked, open)
    let items = try entries.map { entry, name in
      OutputItem(
        name: try name
          ?? ValueRequest.name(entry.reference.field?.description ?? "", for: form.format),
        value: try open.value(of: entry)
      )
    }
    try OpeningRecord.admit(open.bundle, path, entries.map(\.0), allowingOlder: allowOlder)
    try OpeningRecord.keep(open.bundle, entries.map(\.0))
    try form.write(items)
  }

  private func earliest() throws -> Timestamp? {
    if let notBefore { return notBefore.start }
    guard let text = ServerOptions.variable("KEYWARD_BUNDLE_NOT_BEFORE") else { return nil }
    guard let time = Since(argument: text) else {
      throw CommandFailure(
        .usage,
        "KEYWARD_BUNDLE_NOT_BEFORE: '\(Table.printable(text))' is no time.",
        remedy: "Write one like 7d or 2027-01-31T18:00:00Z."
      )
    }
    return time.start
  }

  private static func check(_ bundle: Bundle, _ path: String, notBefore time: Timestamp?) throws {
    guard let time, bundle.created < time else { return }
    throw CommandFailure(
      .verificationFailed,
      "\(path) was made at \(bundle.created.rfc3339), before \(time.rfc3339).",
      remedy: "Get the newest bundle, or set --not-before (KEYWARD_BUNDLE_NOT_BEFORE) back."
    )
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

/// What is kept of openings on this machine: the journal, and how new the bundles were.
enum OpeningRecord {
  static func journal() throws -> BundleJournal {
    BundleJournal(path: try path("KEYWARD_BUNDLE_JOURNAL", "bundle-journal", "journal of openings"))
  }

  /// The file that the variable names, else the one of this name in the user's folder of state.
  private static func path(_ variable: String, _ name: String, _ what: String) throws -> String {
    if let path = ServerOptions.variable(variable) { return path }
    let environment = ProcessEnvironment.all
    let folder: String
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      folder = state + "/keyward"
    } else if let home = environment["HOME"], home.hasPrefix("/") {
      folder = home + "/.local/state/keyward"
    } else {
      throw CommandFailure(
        .usage,
        "There is no place for the \(what): HOME is not set.",
        remedy: "Set \(variable) to the path of a file."
      )
    }
    try TokenFile.makeFolder(folder)
    return "\(folder)/\(name)"
  }

  /// Refuses an older bundle than these entries were last taken from; without a place to keep that,
  /// says so and goes on.
  static func admit(
    _ bundle: Bundle,
    _ name: String,
    _ entries: [Bundle.Entry],
    allowingOlder: Bool
  ) throws {
    let path: String
    do {
      path = try Self.path("KEYWARD_BUNDLE_FLOOR", "bundle-floor", "age of bundles")
    } catch {
      return warn(CommandFailure(error)?.message ?? "\(error)")
    }
    let floor = BundleFloor(path: path)
    if let error = try floor.admit(
      bundle,
      named: name,
      for: entries,
      allowingOlder: allowingOlder
    ) {
      warn(error.message)
    }
  }

  private static func warn(_ reason: String) {
    StandardStream.error(
      "keyward: How new this bundle is cannot be kept, so that an older one would be taken after it: "
        + "\(reason)\n  Set KEYWARD_BUNDLE_FLOOR to a file that can be written, or use --not-before.\n"
    )
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
