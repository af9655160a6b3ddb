import ArgumentParser
import Glibc
import KeywardCrypto
import KeywardExport
import KeywardPolicy
import NIOCore

/// `keyward bench`: the yardsticks of scripts/bench, in the same process image as the server.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure cryptography, policy and disk, for scripts/bench.",
    shouldDisplay: false,
    subcommands: [AESBench.self, DiskBench.self, ExportBench.self, PolicyBench.self]
  )
}

/// AES-256-GCM operations a second through KeywardCrypto.
struct AESBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "aes-256-gcm")

  @Option(help: "Bytes of each message.")
  var bytes = 32
  @Option(help: "How long to measure.")
  var seconds = 2.0

  func run() throws {
    // As the server has it: OpenSSL's heap in the locked arena.
    try SecureMemory.activate()
    let rate = try CryptoBenchmark.aes256GCM(size: bytes, seconds: seconds)
    StandardStream.output("{\"operations_per_second\":\(Int(rate))}")
  }
}

/// Wraps a second of a key for a provider (RSA-OAEP with AES-KWP) through KeywardExport.
struct ExportBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "export-wrap")

  @Option(help: "How long to measure each.")
  var seconds = 2.0

  func run() throws {
    try SecureMemory.activate()
    let rate = try EnvelopeBenchmark.hybrid(seconds: seconds)
    StandardStream.output(
      "{\"tried_per_second\":\(rate.tried),\"alone_per_second\":\(rate.alone)}"
    )
  }
}

/// Microseconds of a 4 KiB write with fdatasync in a folder: what a durable entry cannot undercut.
struct DiskBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "fdatasync")

  @Option(help: "The folder of the measured disk.")
  var folder: String
  @Option(help: "How long to measure.")
  var seconds = 2.0

  func run() throws {
    let path = folder + "/fdatasync.\(getpid())"
    let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CommandFailure(.failed, "\(path) cannot be written.") }
    defer {
      close(descriptor)
      unlink(path)
    }
    let page = [UInt8](repeating: 1, count: 4096)
    // Overwrites blocks that are there, as a write-ahead log does after its first round.
    for block in 0..<1024 { _ = pwrite(descriptor, page, page.count, off_t(block * 4096)) }
    fsync(descriptor)
    var times: [Int64] = []
    let end = NIODeadline.now() + .nanoseconds(Int64(seconds * 1e9))
    while NIODeadline.now() < end {
      let start = NIODeadline.now()
      _ = pwrite(descriptor, page, page.count, off_t(times.count % 1024 * 4096))
      guard fdatasync(descriptor) == 0 else { throw CommandFailure(.failed, "fdatasync failed.") }
      times.append((NIODeadline.now() - start).nanoseconds)
    }
    times.sort()
    let p50 = Double(times[times.count / 2]) / 1000
    StandardStream.output("{\"p50_us\":\(p50),\"calls\":\(times.count)}")
  }
}

/// Microseconds of a decision under a policy of a number of rules.
struct PolicyBench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "policy")

  @Option(help: "Rules of the policy.")
  var rules = 1000
  @Option(help: "How long to measure.")
  var seconds = 2.0

  func run() throws {
    let benchmark = try PolicyBenchmark(rules: rules)
    guard benchmark.allowed == benchmark.requests.count else {
      throw CommandFailure(.failed, "The policy does not allow what it should.")
    }
    // Eight at a time: reading the clock takes as long as a part of a decision.
    let batch = 8
    var times: [Int64] = []
    var next = 0
    let end = NIODeadline.now() + .nanoseconds(Int64(seconds * 1e9))
    while NIODeadline.now() < end {
      let start = NIODeadline.now()
      guard benchmark.decide(from: next, count: batch) == batch else {
        throw CommandFailure(.failed, "The policy does not allow what it should.")
      }
      times.append((NIODeadline.now() - start).nanoseconds)
      next = (next + batch) % benchmark.requests.count
    }
    times.sort()
    func microseconds(_ part: Int) -> Double {
      Double(times[(times.count - 1) * part / 100]) / 1000 / Double(batch)
    }
    StandardStream.output(
      "{\"rules\":\(rules),\"p50_us\":\(microseconds(50)),\"p99_us\":\(microseconds(99))}"
    )
  }
}
