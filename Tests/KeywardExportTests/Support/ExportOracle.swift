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
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3",
      tests.appendingPathComponent("Oracles/export_oracle.py").path, input.path, output.path,
    ]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "are the packages of requirements.txt there?")
    let answers = try JSONSerialization.jsonObject(with: Data(contentsOf: output))
    let list = try #require(answers as? [Job])
    try #require(list.count == jobs.count)
    return list
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
