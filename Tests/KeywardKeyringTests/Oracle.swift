import Foundation
import Testing

/// A Python program of Tests/Oracles: the same format written a second time.
struct Oracle {
  /// The folder Tests of this checkout.
  static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()

  let script: String

  /// Gives `lines` to the program with `mode` and returns its lines.
  ///
  /// Python is the one that KEYWARD_PYTHON names, else `python3`; a missing module fails the test.
  func run(_ mode: String, _ lines: [String]) throws -> [String] {
    let process = Process()
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [python, Oracle.tests.appending(path: "Oracles/\(script)").path, mode]
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "keyward-oracle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Files and not pipes: nobody has to read and write at once.
    let input = folder.appending(path: "in")
    let output = folder.appending(path: "out")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: input)
    try Data().write(to: output)
    process.standardInput = try FileHandle(forReadingFrom: input)
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["PYTHONDONTWRITEBYTECODE": "1"]) { $1 }
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(script) \(mode) failed; see its words above")
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
      String($0)
    }
  }
}
