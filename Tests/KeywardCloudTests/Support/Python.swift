import Foundation
import Testing

/// The Python that the tests' third parties are written in.
enum Python {
  /// The folder above `Sources` and `Tests`.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let executable = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"

  /// The lines that a script of `Tests/` prints.
  static func lines(_ script: String, _ arguments: String...) throws -> [String] {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let path = root.appendingPathComponent("Tests/\(script)").path
    process.arguments = [executable, path] + arguments
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(
      process.terminationStatus == 0,
      "\(script) failed; install Tests/requirements.txt and set KEYWARD_PYTHON"
    )
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

/// Whether the long forms of tests are asked for.
let isLong = ProcessInfo.processInfo.environment["KEYWARD_LONG"] != nil
