import Dispatch
import KeywardClient
import KeywardModel
import Synchronization

/// Several keys into one destination, each by an export of its own.
///
/// The first goes alone: what all need, as Google's import job, is made once, and what is wrong with
/// all of them is said once. The others follow over a few connections. A key whose newest version has
/// its copy there already is left out, so that the same command goes on where it ended.
struct ExportBatch {
  /// What became of the keys.
  struct Report: Encodable {
    struct Failure: Encodable {
      let key: String
      let message: String
      let remedy: String?
      /// The exit status that an export by itself would have ended with.
      let status: Int32
    }

    var exports: [ExportInfo] = []
    /// Keys whose newest version was there before.
    var present: [String] = []
    var failures: [Failure] = []
    /// Whether the copy of one turned out to be another key.
    private(set) var hasAnotherKey = false

    private enum CodingKeys: String, CodingKey {
      case exports, present, failures
    }
  }

  let keys: [KeyName]
  /// What is asked for each, but for its name.
  let template: PrepareExportRequest
  /// Whether keys have names there, as anywhere but at AWS.
  let areNamed: Bool
  let connect: @Sendable () throws -> KeywardClient
  let check: @Sendable (ExportInfo) throws -> Void

  /// An export waits for its provider nearly all of its time.
  private static let connections = 64

  func run() throws -> Report {
    let requests = try requests()
    let client = try connect()
    var report = Report()
    let present = Set(
      try ExportList.all(ExportFilter(destination: template.destination), client).filter {
        $0.mode == "push" && !$0.isBehind && ["delivered", "proved"].contains($0.state)
      }.map(\.key)
    )
    report.present = requests.map(\.key).filter(present.contains)
    var rest = requests.filter { !present.contains($0.key) }[...]
    guard let first = rest.popFirst() else { return report }
    let progress = ProgressBar(total: rest.count + 1)
    defer { progress.finish() }
    let export = try export(first, client)
    try ExportCompletion.check(export)
    report.exports.append(export)
    progress.advance(failed: false)
    let shared = Mutex((rest: rest, report: report))
    inThreads(min(Self.connections, rest.count)) {
      // Each has its own, since a connection serves one thread.
      let client = Result { try connect() }
      while let request = shared.withLock({ $0.rest.popFirst() }) {
        let result = Result { try self.export(request, client.get()) }
        let isDone = shared.withLock { $0.report.add(result, of: request.key) }
        progress.advance(failed: !isDone)
      }
    }
    return shared.withLock(\.report)
  }

  /// Calls `body` in so many threads at once: a queue of its own has a thread of its own.
  private func inThreads(_ count: Int, _ body: @escaping @Sendable () -> Void) {
    let group = DispatchGroup()
    for number in 0..<count {
      DispatchQueue(label: "keyward.batch.\(number)").async(group: group) { body() }
    }
    group.wait()
  }

  private func export(
    _ request: PrepareExportRequest,
    _ client: KeywardClient
  ) throws -> ExportInfo {
    let prepared = try client.prepareExport(request)
    try check(prepared)
    if request.dryRun == true { return prepared }
    return try client.completeExport(prepared).export
  }

  /// One for each key, with the name that it has there.
  private func requests() throws -> [PrepareExportRequest] {
    var owners: [String: KeyName] = [:]
    return try keys.map { key in
      var request = template
      request.key = key.description
      let name = areNamed ? Self.nameThere(key) : key.description
      if let other = owners.updateValue(key, forKey: name) {
        throw CommandFailure(
          .usage,
          other == key
            ? "The key '\(key)' is named twice."
            : "'\(other)' and '\(key)' would both be called '\(name)' there.",
          remedy: other == key ? nil : "Export one of them by itself, with --name."
        )
      }
      request.targetName = areNamed ? name : nil
      return request
    }
  }

  /// The key's name in letters, digits and '-', which every provider takes.
  static func nameThere(_ key: KeyName) -> String {
    String(
      decoding: key.description.utf8.map { byte in
        switch byte {
        case 48...57, 65...90, 97...122: byte
        default: UInt8(ascii: "-")
        }
      },
      as: UTF8.self
    )
  }
}

extension ExportBatch.Report {
  /// Adds what came of a key; false if it failed.
  fileprivate mutating func add(_ result: Result<ExportInfo, any Error>, of key: String) -> Bool {
    do {
      let export = try result.get()
      hasAnotherKey = hasAnotherKey || ExportCompletion.isAnotherKey(export)
      try ExportCompletion.check(export)
      exports.append(export)
      return true
    } catch {
      let failure = CommandFailure(error)
      failures.append(
        Failure(
          key: key,
          message: failure?.message ?? "\(error)",
          remedy: failure?.remedy,
          status: (failure?.status ?? .failed).rawValue
        )
      )
      return false
    }
  }

  /// The form for people: a line for each failure, and the numbers.
  var text: String {
    var lines = failures.flatMap { failure in
      ["\(failure.key): \(failure.message)"] + (failure.remedy.map { ["  \($0)"] } ?? [])
    }
    let states = Dictionary(grouping: exports, by: \.state).mapValues(\.count)
      .sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    var numbers = states + (present.isEmpty ? [] : ["\(present.count) there before"])
    numbers += failures.isEmpty ? [] : ["\(failures.count) failed"]
    lines.append(numbers.isEmpty ? "No keys." : numbers.joined(separator: ", ") + ".")
    return lines.map(Table.printable).joined(separator: "\n")
  }
}
