import Glibc
import KeywardAuthn
import KeywardExport
import KeywardGRPC
import KeywardKMSPlugin
import KeywardKeyring
import KeywardPipeline

/// libFuzzer over the readers of outside bytes; see scripts/fuzz.
///
/// SwiftPM gives an executable its own `main`, so the driver is called instead of being linked as
/// `main`: `KEYWARD_FUZZ_TARGET=share keyward-fuzz [libFuzzer options] [corpus]`.
@main
enum KeywardFuzz {
  static let targets = readers.merging(
    ExportFuzzTargets.all.map { name, target in (name, counted(target)) },
    uniquingKeysWith: { first, _ in first }
  )

  private static func counted(
    _ target: @escaping @Sendable ([UInt8]) -> Void
  ) -> @Sendable ([UInt8]) -> Int {
    { bytes in
      target(bytes)
      return 0
    }
  }

  private static let readers: [String: @Sendable ([UInt8]) -> Int] = [
    "share": {
      FuzzTargets.share($0)
      return 0
    },
    "envelope": {
      FuzzTargets.envelope($0)
      return 0
    },
    "seal-record": {
      FuzzTargets.sealRecord($0)
      return 0
    },
    "jwt": {
      AuthnFuzzTargets.token($0)
      return 0
    },
    "key-set": {
      AuthnFuzzTargets.keySet($0)
      return 0
    },
    "certificate": {
      AuthnFuzzTargets.certificate($0)
      return 0
    },
    "identity-record": {
      AuthnFuzzTargets.record($0)
      return 0
    },
    "secret-reference": {
      PipelineFuzzTargets.reference($0)
      return 0
    },
    "secret-record": {
      PipelineFuzzTargets.secretRecord($0)
      return 0
    },
    "secret-frame": {
      PipelineFuzzTargets.secretFrame($0)
      return 0
    },
    "project-file": {
      PipelineFuzzTargets.project($0)
      return 0
    },
    "template": {
      PipelineFuzzTargets.template($0)
      return 0
    },
    "bundle": {
      PipelineFuzzTargets.bundle($0)
      return 0
    },
    "kms-message": { KMSFuzzTargets.messages($0) },
    "grpc-framing": { GRPCFuzzTargets.framing($0) },
    "grpc-frames": { GRPCFuzzTargets.frames($0) },
  ]

  static func main() {
    // In the environment, because libFuzzer starts itself again to merge a corpus.
    let name = getenv("KEYWARD_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = targets[name] else {
      print("Set KEYWARD_FUZZ_TARGET to one of: \(targets.keys.sorted().joined(separator: ", "))")
      exit(2)
    }
    let arguments = CommandLine.arguments
    chosen = target
    var count = Int32(arguments.count)
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    pointers.append(nil)
    pointers.withUnsafeMutableBufferPointer { buffer in
      var values = buffer.baseAddress
      _ = runDriver(&count, &values) { data, size in
        // Kept, so that the optimizer cannot leave the work out.
        KeywardFuzz.sum &+=
          KeywardFuzz.chosen?(Array(UnsafeBufferPointer(start: data, count: size))) ?? 0
        return 0
      }
    }
  }

  nonisolated(unsafe) static var chosen: (@Sendable ([UInt8]) -> Int)?
  nonisolated(unsafe) static var sum = 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32
