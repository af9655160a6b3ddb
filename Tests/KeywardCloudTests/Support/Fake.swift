import Foundation
import KeywardCloud
import KeywardCrypto
import KeywardExport
import KeywardModel
import Synchronization
import Testing

/// A fake of `Tests/Acceptance/fakes` in a process of its own.
final class Fake: @unchecked Sendable {
  // Unchecked: a test uses its fake from one task.
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var buffer = Data()
  private(set) var greeting: [String: Any] = [:]
  /// How far the clocks of fake and client are ahead, in seconds.
  private let ahead = Mutex<Int64>(0)

  init(_ name: String) throws {
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      Python.executable, Python.root.appendingPathComponent("Tests/Acceptance/fakes").path, name,
    ]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    greeting = try line()
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  var url: String { "https://127.0.0.1:\(greeting["port"] as? Int ?? 0)" }
  var authorities: String { greeting["authorities"] as? String ?? "" }

  func text(_ name: String) throws -> String { try #require(greeting[name] as? String) }

  func secret(_ name: String) throws -> SecretBox {
    SecretBox(try SecretBytes.fixture(Array(try text(name).utf8)))
  }

  @discardableResult
  func ask(_ command: String, _ arguments: [String: Any] = [:]) throws -> Any? {
    var request = arguments
    request["do"] = command
    var data = try JSONSerialization.data(withJSONObject: request)
    data.append(0x0a)
    try input.fileHandleForWriting.write(contentsOf: data)
    let answer = try line()
    try #require(answer["error"] == nil, "\(command): \(answer["error"] ?? "")")
    return answer["value"]
  }

  /// Breaks request number `at` from now on.
  func arm(_ kind: String?, at: Int = 0, times: Int = 1) throws {
    try ask("arm", ["kind": kind ?? NSNull(), "at": at, "times": times])
  }

  /// The steps that were asked for since the last `arm`.
  func steps() throws -> [String] {
    let log = try #require(try ask("log") as? [String: Any])
    let failures = log["failures"] as? [String] ?? []
    try #require(failures.isEmpty, "\(failures)")
    let requests = log["requests"] as? [[String: Any]] ?? []
    return requests.compactMap { $0["step"] as? String }
  }

  func advance(_ seconds: Int64) throws {
    try ask("advance", ["seconds": seconds])
    ahead.withLock { $0 += seconds }
  }

  /// The material that the fake unwrapped, in hexadecimal.
  func material(_ key: String) throws -> String? { try ask("material", ["key": key]) as? String }

  /// A session with this fake; it pauses for no longer than it must.
  func session(timeout: Int = 20_000, retrying: Bool = false) -> CloudSession {
    let curl = CurlTransport(authorities: authorities, timeout: timeout)
    let pause: @Sendable (Int) async -> Void = { _ in }
    return CloudSession(
      transport: retrying ? RetryingTransport(curl, pause: pause) : curl,
      now: { self.now },
      pause: pause
    )
  }

  var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
      .adding(seconds: ahead.withLock { $0 })
  }

  private func line() throws -> [String: Any] {
    while true {
      if let end = buffer.firstIndex(of: 0x0a) {
        let line = Data(buffer[..<end])
        buffer = Data(buffer[(end + 1)...])
        return try #require(try JSONSerialization.jsonObject(with: line) as? [String: Any])
      }
      let more = output.fileHandleForReading.availableData
      try #require(!more.isEmpty, "the fake ended; are Tests/requirements.txt installed?")
      buffer.append(more)
    }
  }
}
