import Foundation
import Testing

/// A Python process that answers a line of JSON with a line of JSON.
final class PythonScript {
  static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()

  /// Starts a script of Tests/Oracles with the Python that KEYWARD_PYTHON names, by default `python3`.
  init(_ name: String, arguments: [String] = []) throws {
    let script = Self.packageRoot.appendingPathComponent("Tests/Oracles/\(name)")
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, script.path] + arguments
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// Sends one question, and returns its answer.
  func ask(_ question: some Encodable) throws -> Any {
    var line = try JSONEncoder().encode(question)
    line.append(UInt8(ascii: "\n"))
    try input.fileHandleForWriting.write(contentsOf: line)
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let answer = Data(buffer[..<end])
        buffer = Data(buffer[(end + 1)...])
        return try JSONSerialization.jsonObject(with: answer)
      }
      let more = output.fileHandleForReading.availableData
      try #require(!more.isEmpty, "the script ended; is Tests/requirements.txt installed?")
      buffer.append(more)
    }
  }
}
