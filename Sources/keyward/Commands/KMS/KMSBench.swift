import ArgumentParser
import KeywardCrypto
import KeywardGRPC
import KeywardKMSPlugin
import NIOCore
import Synchronization

struct KMSBench: AsyncParsableCommand {
  enum Operation: String, ExpressibleByArgument, CaseIterable {
    case status
    case encrypt
    case decrypt
    /// Only of a Keyward server started with its hidden option: the transport without the work.
    case echo
  }

  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure a plugin: calls a second and latencies.",
    discussion:
      "  keyward kms bench --socket unix:///run/keyward/etcd.sock --concurrency 64"
  )

  @OptionGroup
  var plugin: KMSOptions
  @Option(help: "Connections.")
  var connections = 1
  @Option(help: "Calls under way at one time, all connections together.")
  var concurrency = 1
  @Option(help: "How long to measure.")
  var seconds = 5
  @Option(help: "Stop after so many calls instead. (default: after --seconds)")
  var calls: Int?
  @Option(help: "Different ciphertexts to decrypt in turn.")
  var distinct = 1
  @Option(help: "status, encrypt, decrypt or echo.")
  var operation = Operation.encrypt
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (1...1024).contains(connections), (connections...65_536).contains(concurrency),
      (1...86_400).contains(seconds), (1...10_000).contains(distinct),
      (concurrency...100_000_000).contains(calls ?? concurrency)
    else {
      throw ValidationError(
        "Give 1 to 1024 --connections, at least as much --concurrency, at least as many --calls, "
          + "1 to 10000 --distinct and 1 to 86400 --seconds."
      )
    }
  }

  private struct Report: Encodable {
    let operation: String
    let connections: Int
    let concurrency: Int
    let seconds: Double
    let calls: Int
    let errors: Int
    let callsPerSecond: Double
    let p50: Double
    let p90: Double
    let p99: Double
    let worst: Double

    enum CodingKeys: String, CodingKey {
      case operation
      case connections
      case concurrency
      case seconds
      case calls
      case errors
      case callsPerSecond = "calls_per_second"
      case p50 = "p50_us"
      case p90 = "p90_us"
      case p99 = "p99_us"
      case worst = "max_us"
    }
  }

  func run() async throws {
    var clients: [KMSClient] = []
    for _ in 0..<connections { clients.append(try await plugin.connect()) }
    let call = try await prepare(clients[0])
    let start = NIODeadline.now()
    let end = start + .seconds(Int64(calls == nil ? seconds : 86_400))
    let budget = calls.map { CallBudget($0) }
    let runs = clients.enumerated().map { index, client in
      BenchRun(
        client,
        slots: concurrency / connections + (index < concurrency % connections ? 1 : 0),
        until: end,
        within: budget,
        call
      )
    }
    await withTaskGroup(of: Void.self) { group in
      for run in runs { group.addTask { await run.finish() } }
    }
    let elapsed = Double((NIODeadline.now() - start).nanoseconds) / 1e9
    for client in clients { await client.close() }
    let report = summarize(runs, elapsed)
    try output.print(report) { Self.text(report) }
    if report.errors > 0 { throw ExitCode(ExitStatus.failed.rawValue) }
  }

  /// Makes the call to repeat; a request with a plaintext is made anew each time, since a secret
  /// request is wiped once it is sent.
  private func prepare(_ client: KMSClient) async throws -> @Sendable () -> KMSClient.Operation {
    let secret = SecretBox(try SecretBytes.random(count: 32))
    switch operation {
    case .status:
      return { .status }
    case .encrypt:
      return { .encrypt(KMSMessages.writeEncryptRequest(secret.bytes, uid: "keyward-kms-bench")) }
    case .echo:
      return { .echo(KMSMessages.writeEncryptRequest(secret.bytes, uid: "keyward-kms-bench")) }
    case .decrypt:
      var messages: [GRPCMessage] = []
      for _ in 0..<distinct { messages.append(try await ciphertext(client)) }
      let turn = Atomic(0)
      let requests = messages
      return {
        let next = turn.add(1, ordering: .relaxed).oldValue
        return .decrypt(requests[next % requests.count])
      }
    }
  }

  /// The request that decrypts a new secret.
  private func ciphertext(_ client: KMSClient) async throws -> GRPCMessage {
    let secret = try SecretBytes.random(count: 32)
    let encryption: KMSEncryption
    do throws(GRPCStatus) {
      encryption = try await client.encrypt(secret, uid: "keyward-kms-bench")
    } catch {
      throw CommandFailure(
        .failed,
        "The plugin does not encrypt: \(error.code.name) \(Table.printable(error.message))"
      )
    }
    return KMSMessages.writeDecryptRequest(
      KMSMessages.DecryptRequest(
        ciphertext: encryption.ciphertext,
        uid: "keyward-kms-bench",
        keyID: encryption.keyID,
        annotations: encryption.annotations
      )
    )
  }

  private func summarize(_ runs: [BenchRun], _ elapsed: Double) -> Report {
    let latencies = runs.flatMap(\.latencies).sorted()
    func percentile(_ share: Double) -> Double {
      guard !latencies.isEmpty else { return 0 }
      let index = min(latencies.count - 1, Int(Double(latencies.count) * share))
      return Double(latencies[index]) / 1000
    }
    return Report(
      operation: operation.rawValue,
      connections: connections,
      concurrency: concurrency,
      seconds: elapsed,
      calls: latencies.count,
      errors: runs.reduce(0) { $0 + $1.errors },
      callsPerSecond: Double(latencies.count) / elapsed,
      p50: percentile(0.5),
      p90: percentile(0.9),
      p99: percentile(0.99),
      worst: percentile(1)
    )
  }

  private static func text(_ report: Report) -> String {
    func micro(_ value: Double) -> String { "\(Int(value.rounded())) us" }
    return Table.pairs([
      ("Operation", report.operation),
      ("Connections", String(report.connections)),
      ("Concurrency", String(report.concurrency)),
      ("Calls", "\(report.calls) in \((report.seconds * 100).rounded() / 100) s"),
      ("Errors", String(report.errors)),
      ("Calls/s", String(Int(report.callsPerSecond.rounded()))),
      ("p50", micro(report.p50)), ("p90", micro(report.p90)), ("p99", micro(report.p99)),
      ("Longest", micro(report.worst)),
    ])
  }
}
