import Foundation
import Testing

/// A Python process that reads what the pipeline writes with the programs and packages that people
/// read it with (Tests/Oracles/pipeline.py).
final class PipelineOracle {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()

  private static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Starts the Python that KEYWARD_PYTHON names, by default `python3`.
  init() throws {
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    let script = Self.packageRoot.appendingPathComponent("Tests/Oracles/pipeline.py")
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

  /// Asks one question; an exception of Python fails the test.
  func ask(_ operation: String, _ arguments: [String: Any]) throws -> [String: String] {
    var request = arguments
    request["op"] = operation
    var line = try JSONSerialization.data(withJSONObject: request)
    line.append(UInt8(ascii: "\n"))
    try input.fileHandleForWriting.write(contentsOf: line)
    let answer = try JSONSerialization.jsonObject(with: nextLine()) as? [String: String] ?? [:]
    try #require(answer["error"] == nil, "\(operation): \(answer["error"] ?? "")")
    return answer
  }

  /// Asks for bytes about bytes.
  func ask(_ operation: String, _ bytes: [UInt8], _ more: [String: String] = [:]) throws -> [UInt8]
  {
    var arguments = more
    arguments["in"] = Data(bytes).base64EncodedString()
    let answer = try ask(operation, arguments)
    return Array(try #require(Data(base64Encoded: answer["out"] ?? "-")))
  }

  /// The values BEFORE, NAME and AFTER as the reader of a form finds them in a text.
  func read(_ text: [UInt8], _ form: String) throws -> [String: [UInt8]] {
    let names = "BEFORE,NAME,AFTER"
    let form = Self.readers[form] ?? form
    let text = Data(text).base64EncodedString()
    return try ask("read", ["form": form, "names": names, "in": text]).mapValues { value in
      Array(try #require(Data(base64Encoded: value)))
    }
  }

  private static let readers = [
    "k8s-secret": "secret", "gitlab-dotenv": "gitlab", "azure-pipelines": "azure",
    "docker-env": "docker",
  ]

  private func nextLine() throws -> Data {
    var line = buffer
    while true {
      // Only what is new is looked through: a line may have megabytes.
      let more = output.fileHandleForReading.availableData
      try #require(
        !more.isEmpty,
        "the oracle ended; are the packages of Tests/requirements.txt installed?"
      )
      let end = more.withUnsafeBytes { bytes in
        bytes.baseAddress.flatMap { start in
          memchr(start, 0x0a, bytes.count).map { UnsafeRawPointer($0) - start }
        }
      }
      guard let end else {
        line.append(more)
        continue
      }
      line.append(more.prefix(end))
      buffer = Data(more.dropFirst(end + 1))
      return line
    }
  }
}
