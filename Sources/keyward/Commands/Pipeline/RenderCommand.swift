import ArgumentParser
import Glibc
import KeywardModel
import KeywardPipeline
import KeywardSystem

struct RenderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render",
    abstract: "Fill the references in manifests: files, or standard input.",
    discussion: """
        keyward render deploy/*.yaml | kubectl apply -f -
        kustomize build . | keyward render | kubectl apply -f -
        helm upgrade web ./chart --post-renderer keyward --post-renderer-args render
        kubectl get secret,deploy -l app=web -o yaml | keyward render --check

      A value that is a reference (password: kw://payments/db#password), and ${kw://…} within a \
      longer one, are filled in YAML and JSON; everything else stays byte by byte as it is. Under \
      'data' of a Secret values become base64, references in base64 too. A reference without a \
      value is an error with its file and line, and then nothing is written.

      --annotate says in each object which versions it has, and --check compares deployed objects \
      with what there is now: exit status 0 if all are current, 1 if not.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Manifests, or - for standard input. (default: standard input)",
      valueName: "file"
    )
  )
  var files: [String] = []
  @Flag(help: "Put the versions into an annotation of each object: keyward.dev/versions.")
  var annotate = false
  @Flag(help: "Read deployed objects, and say which of their versions are stale. No value is read.")
  var check = false
  @Option(
    name: .customLong("out"),
    help: ArgumentHelp(
      "Write to this file (mode 0600). (default: standard output)",
      valueName: "file"
    )
  )
  var path: String?
  @OptionGroup
  var fetch: SecretFetch
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard !check || (!annotate && path == nil) else {
      throw ValidationError("--check writes no manifest: leave --annotate and --out away.")
    }
  }

  func run() throws {
    let inputs = files.isEmpty ? ["-"] : files
    if check { return try tellStale(inputs) }
    let renderings = try inputs.map { path in
      try Rendering(Self.read(path), file: Self.name(path), annotating: annotate)
    }
    let wanted = renderings.flatMap(\.wanted)
    guard !wanted.isEmpty else { return try write(renderings, nil) }
    let places = Dictionary(grouping: wanted, by: \.reference.description).mapValues { wanted in
      wanted.map { "\($0.place)" }
    }
    let answer = try fetch.answer(ValueRequest.once(wanted.map(\.reference)))
    if fetch.isPlan { return try fetch.show(SecretPlan(answer.head, wanted: places), output) }
    try write(renderings, try SecretFetch.values(answer, wanted: places))
  }

  /// Writes all of the output, or nothing if something in it cannot be filled.
  private func write(_ renderings: [Rendering], _ secrets: FetchedSecrets?) throws {
    if fetch.isPlan {
      return StandardStream.output("Nothing would be fetched: there is no reference.")
    }
    let pieces = try renderings.map { rendering in
      guard let secrets else { return [Rendering.Piece.source(0..<rendering.count)] }
      return try rendering.filled(with: secrets)
    }
    try StreamFile.write(to: path ?? "-") { descriptor in
      for (index, rendering) in renderings.enumerated() {
        if index > 0, let between = Rendering.separator(renderings[index - 1], rendering) {
          try Array(between.utf8).withUnsafeBytes { try Self.writeAll($0, to: descriptor) }
        }
        try rendering.write(pieces[index]) { try Self.writeAll($0, to: descriptor) }
      }
    }
  }

  private func tellStale(_ inputs: [String]) throws {
    let parts = try inputs.map { try Staleness(Self.read($0), file: Self.name($0)) }
    let references = parts.flatMap(\.references)
    guard !references.isEmpty else {
      throw CommandFailure(
        .notFound,
        "No object has the annotation \(VersionAnnotation.key).",
        remedy: "Render with --annotate, and deploy that first."
      )
    }
    var plan = fetch
    plan.isPlan = true
    let answer = try plan.answer(ValueRequest.once(references))
    let told = SecretPlan(answer.head, wanted: [:])
    let findings = parts.flatMap { $0.findings(told) }
    try output.print(findings) { Self.text(findings, told) }
    guard findings.allSatisfy({ !$0.isStale }) else {
      let count = findings.count { $0.isStale }
      throw CommandFailure(
        .failed,
        "\(count) of \(findings.count) values are not those of \(told.environment) now.",
        remedy: "Render and deploy again."
      )
    }
  }

  private static func text(_ findings: [Staleness.Finding], _ plan: SecretPlan) -> String {
    var table = Table(["OBJECT", "REFERENCE", "DEPLOYED", "CURRENT", ""])
    for finding in findings {
      table.add([
        finding.object, finding.reference, "\(finding.deployed)",
        finding.current.map(String.init) ?? "-", finding.isStale ? "stale" : "",
      ])
    }
    return "Environment  \(Table.printable(plan.environmentWords))\n\n\(table.text)"
  }

  private static func name(_ path: String) -> String {
    path == "-" ? "standard input" : path
  }

  private static func read(_ path: String) throws -> [UInt8] {
    let file =
      path == "-"
      ? FileDescriptor(owning: dup(STDIN_FILENO)) : try FileDescriptor.open(path, O_RDONLY)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0, from: name(path)) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= Rendering.longest else {
        throw CommandFailure(.usage, "\(name(path)) has more than \(Rendering.longest >> 20) MiB.")
      }
    }
  }

  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = Glibc.write(descriptor, part.baseAddress, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError(cannot: "write the output", code: errno) }
      rest = rest.dropFirst(count)
    }
  }
}
