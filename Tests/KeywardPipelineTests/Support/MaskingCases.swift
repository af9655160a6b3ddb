import Foundation
import KeywardCrypto
import Testing

/// Cases of Tests/Oracles/masking.py, read as they are made.
final class MaskingCases {
  struct Group: Decodable {
    struct Case: Decodable {
      let pieces: [String]
      let clear: [String]
      let masked: [String]
    }
    let secrets: [String]
    let cases: [Case]
    let forms: [String]
  }

  private let process = Process()
  private let output = Pipe()
  private var buffer = Data()

  init(seed: Int, count: Int) throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3",
      root.appendingPathComponent("Tests/Oracles/masking.py").path, "\(seed)", "\(count)",
    ]
    process.standardOutput = output
    try process.run()
  }

  /// The next secrets with their cases; nil at the end.
  func next() throws -> Group? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Data(buffer[..<end])
        buffer = Data(buffer[(end + 1)...])
        return try JSONDecoder().decode(Group.self, from: line)
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty {
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return nil
      }
      buffer.append(more)
    }
  }
}

/// Bytes of hexadecimal text.
func unhex(_ text: String) -> [UInt8] {
  let digits = Array(text.utf8).map { $0 < 0x3a ? $0 - 0x30 : $0 - 0x57 }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func box(_ bytes: [UInt8]) throws -> SecretBox {
  SecretBox(try SecretBytes.fixture(bytes))
}
