import Foundation
import Testing

/// V26 (CVE-2023-25000): no branch and no index of the share code depends on a secret.
///
/// The method of ctgrind: the very source files are built with optimization into a small program
/// that takes its secrets from memory valgrind considers undefined. Memcheck then reports every
/// jump and every address that such a byte decides.
@Suite(.enabled(if: Tools.areInstalled, "valgrind or swiftc is not installed"))
struct ConstantTimeTests {
  private static let sources = ["GF256.swift", "ShareDigit.swift"]

  /// Fills `secret` from the heap and leaves it undefined; prints nothing that depends on it.
  private static let driver = """
    let count = 64
    let secret = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
    @inline(never) func use(_ secret: UnsafeRawBufferPointer) {
      BODY
    }
    use(UnsafeRawBufferPointer(secret))
    print("done")

    """

  @Test
  func fieldArithmeticIsConstantTime() throws {
    let body = """
      let half = UnsafeRawBufferPointer(rebasing: secret[0..<32])
      let value = UnsafeMutableRawBufferPointer(rebasing: output[0..<32])
      GF256.evaluate(secret: half, coefficients: secret, x: 7, into: value)
      GF256.accumulate(half, times: secret[40], into: value)
      value[0] ^= GF256.inverse(secret[33])
      value[1] ^= GF256.multiply(secret[34], secret[35])
      """
    #expect(try errors(body) == 0)
  }

  @Test
  func shareDigitsAreConstantTime() throws {
    let body = """
      for index in 0..<32 {
        let value = ShareDigit.value(of: secret[index])
        output[index] = ShareDigit.character(of: value & 31)
      }
      """
    #expect(try errors(body) == 0)
  }

  /// The check can fail: an index by a secret and a branch on one are both reported.
  @Test(arguments: [
    "let table = [UInt8](0...255); output[0] = table[Int(secret[0])]",
    "if secret[0] & 1 == 1 { print(\"odd\") }",
  ])
  func leaksAreReported(body: String) throws {
    #expect(try errors(body) > 0)
  }

  /// How many errors memcheck finds in a program with this body.
  private func errors(_ body: String) throws -> Int {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "keyward-constant-time-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let main = folder.appending(path: "main.swift")
    try Self.driver.replacing("BODY", with: body).write(to: main, atomically: true, encoding: .utf8)
    let sources = Oracle.tests.deletingLastPathComponent().appending(path: "Sources/KeywardKeyring")
    let program = folder.appending(path: "program").path
    let built = try Tools.run(
      ["swiftc", "-O", "-package-name", "keyward", "-o", program, main.path]
        + Self.sources.map { sources.appending(path: $0).path }
    )
    try #require(built.status == 0, "\(built.output)")
    let checked = try Tools.run(
      ["valgrind", "--leak-check=no", "--log-file=\(folder.path)/log", program])
    try #require(checked.status == 0 && checked.output == "done\n", "\(checked.output)")
    let log = try String(contentsOf: folder.appending(path: "log"), encoding: .utf8)
    let summary = try #require(log.split(separator: "ERROR SUMMARY: ").last)
    return try #require(Int(summary.prefix { $0.isNumber }))
  }
}

/// The programs that the suite runs.
private enum Tools {
  static let areInstalled: Bool =
    (try? run(["valgrind", "--version"]).status) == 0
    && (try? run(["swiftc", "--version"]).status) == 0

  static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
