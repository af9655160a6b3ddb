import Foundation
import Testing

/// Runs Tests/Oracles/export_oracle.py over a batch: implementations that are not ours.
enum ExportOracle {
  typealias Job = [String: Any]

  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static func run(_ jobs: [Job]) throws -> [Job] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "keyward-export-\(UUID().uuidString)"
    )
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let input = folder.appendingPathComponent("jobs")
    let output = folder.appendingPathComponent("answers")
    try JSONSerialization.data(withJSONObject: jobs).write(to: input)
    try python("export_oracle.py", [input.path, output.path])
    let list = try read(output)
    try #require(list.count == jobs.count)
    return list
  }

  /// The files that Tests/Oracles/export_files.py makes with other tools.
  static func files() throws -> [Job] {
    let output = FileManager.default.temporaryDirectory.appendingPathComponent(
      "keyward-export-\(UUID().uuidString)"
    )
    defer { try? FileManager.default.removeItem(at: output) }
    try python("export_files.py", [output.path])
    return try read(output)
  }

  private static func python(_ script: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      [
        ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3",
        tests.appendingPathComponent("Oracles/\(script)").path,
      ] + arguments
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "are the packages of requirements.txt there?")
  }

  private static func read(_ file: URL) throws -> [Job] {
    let answers = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    return try #require(answers as? [Job])
  }

  /// The one answer to one job; an error of the oracle fails the test.
  static func ask(_ job: Job) throws -> Job {
    let answer = try #require(try run([job]).first)
    try #require(answer["error"] == nil, "\(answer["error"] ?? "") \(answer["trace"] ?? "")")
    return answer
  }
}

func hex(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func unhex(_ text: String) -> [UInt8] {
  var bytes: [UInt8] = []
  var rest = Substring(text)
  while let byte = UInt8(rest.prefix(2), radix: 16), rest.count >= 2 {
    bytes.append(byte)
    rest = rest.dropFirst(2)
  }
  return bytes
}
