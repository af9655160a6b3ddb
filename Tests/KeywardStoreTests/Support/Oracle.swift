import Foundation

/// Python programs beside the tests, which read and change store files with SQLite's own tools.
enum Oracle {
  struct Failure: Error {
    let words: String
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Runs `Tests/Oracles/NAME` and returns what it prints.
  @discardableResult
  static func run(_ name: String, _ arguments: String...) throws -> String {
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    let script = root.appendingPathComponent("Tests/Oracles/\(name)").path
    return try execute("/usr/bin/env", [python, script] + arguments)
  }

  /// Runs a program and returns what it prints; its failure is an error with its words.
  @discardableResult
  static func execute(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let words = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(words: String(decoding: words, as: UTF8.self))
    }
    return String(decoding: text, as: UTF8.self)
  }
}
