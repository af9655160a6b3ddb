import Foundation
import Testing

/// A Python process that answers with the `cryptography` package, an implementation that is not
/// ours (Tests/Oracles/crypto_oracle.py).
final class PythonOracle {
  typealias Request = [String: Any]

  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()

  /// Starts the Python that KEYWARD_PYTHON names, by default `python3`.
  init() throws {
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    let script = VectorFile.packageRoot.appendingPathComponent("Tests/Oracles/crypto_oracle.py")
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

  /// Sends a batch, and returns the answers in its order.
  func ask(_ requests: [Request]) throws -> [Answer] {
    var line = try JSONSerialization.data(withJSONObject: requests)
    line.append(UInt8(ascii: "\n"))
    try input.fileHandleForWriting.write(contentsOf: line)
    let answers = try JSONSerialization.jsonObject(with: nextLine()) as? [[String: String]] ?? []
    try #require(answers.count == requests.count)
    return answers.map { Answer(out: $0["out"].flatMap(bytes), error: $0["error"]) }
  }

  func ask(_ request: Request) throws -> Answer {
    try #require(try ask([request]).first)
  }

  /// The bytes, or the name of the exception.
  struct Answer: Equatable {
    let out: [UInt8]?
    let error: String?
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
        "the oracle ended; is the Python package `cryptography` installed?"
      )
      buffer.append(more)
    }
  }
}
