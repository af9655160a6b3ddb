import Foundation
import Glibc
import KeywardKMSPlugin
import KeywardSystem
import NIOCore
import NIOPosix

/// A plugin on a socket of its own over a `MemoryBackend`, and the Python client that judges it.
final class TestPlugin: Sendable {
  static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)

  let directory: String
  let endpoint: UnixEndpoint
  let backend = MemoryBackend()
  let server: KMSPluginServer

  init(isAbstract: Bool = false, allowedUIDs: Set<UInt32> = [geteuid()]) async throws {
    directory = "/tmp/keyward-kms-\(UInt64.random(in: 0 ... .max))"
    try PrivateDirectory.prepare(directory)
    endpoint =
      isAbstract
      ? try UnixEndpoint(abstract: "keyward-kms-\(UInt64.random(in: 0 ... .max))")
      : try UnixEndpoint(path: "\(directory)/kms.sock")
    server = try await Self.start(endpoint, backend, allowedUIDs)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  static func start(
    _ endpoint: UnixEndpoint,
    _ backend: MemoryBackend,
    _ allowedUIDs: Set<UInt32> = [geteuid()]
  ) async throws -> KMSPluginServer {
    var configuration = KMSPluginServer.Configuration(allowedUIDs: allowedUIDs)
    configuration.offersEcho = true
    return try await KMSPluginServer.start(
      group: group,
      endpoint: endpoint,
      configuration: configuration,
      backend: backend
    )
  }

  func client() async throws -> KMSClient {
    try await KMSClient(endpoint, on: Self.group.next(), timeout: .seconds(60))
  }

  /// The target in the words of gRPC.
  var target: String {
    switch endpoint {
    case .path(let path): "unix:\(path)"
    case .abstract(let name): "unix-abstract:\(name)"
    }
  }

  /// Runs a scenario of Tests/Oracles/kms_client.py; empty when all holds, else what it says.
  func judge(_ scenario: String, _ arguments: String...) async throws -> String {
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Oracles/kms_client.py")
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    return try await run([python, script.path, scenario, target] + arguments)
  }

  private func run(_ command: [String]) async throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    let log = "\(directory)/\(UInt64.random(in: 0 ... .max)).log"
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    let handle = try FileHandle(forWritingTo: URL(filePath: log))
    process.standardError = handle
    process.standardOutput = handle
    let code = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do {
        try process.run()
      } catch {
        continuation.resume(throwing: error)
      }
    }
    guard code != 0 else { return "" }
    let words = try String(contentsOf: URL(filePath: log), encoding: .utf8)
    return "exit \(code): \(words.suffix(2000))"
  }
}
