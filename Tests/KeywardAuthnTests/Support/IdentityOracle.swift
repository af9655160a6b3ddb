import Foundation
import Testing

/// A Python process that makes tokens and certificates with PyJWT and `cryptography`
/// (Tests/Oracles/identities.py).
final class IdentityOracle {
  typealias Request = [String: Any]

  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()

  static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Starts the Python that KEYWARD_PYTHON names, by default `python3`.
  init() throws {
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    let script = Self.packageRoot.appendingPathComponent("Tests/Oracles/identities.py")
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [python, script.path]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// Sends a batch, and returns the answers in its order; an exception of Python fails the test.
  func ask(_ requests: [Request]) throws -> [String] {
    var line = try JSONSerialization.data(withJSONObject: requests)
    line.append(UInt8(ascii: "\n"))
    try input.fileHandleForWriting.write(contentsOf: line)
    let answers = try JSONSerialization.jsonObject(with: nextLine()) as? [[String: String]] ?? []
    try #require(answers.count == requests.count)
    return try answers.map { answer in
      try #require(answer["out"], "\(answer["error"] ?? "no answer")")
    }
  }

  func ask(_ request: Request) throws -> String {
    try #require(try ask([request]).first)
  }

  private func nextLine() throws -> Data {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Data(buffer[..<end])
        buffer = Data(buffer[(end + 1)...])
        return line
      }
      let more = output.fileHandleForReading.availableData
      try #require(
        !more.isEmpty,
        "the oracle ended; are the packages of Tests/requirements.txt installed?"
      )
      buffer.append(more)
    }
  }
}
