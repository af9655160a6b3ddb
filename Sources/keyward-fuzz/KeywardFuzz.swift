import Glibc
import KeywardGRPC
import KeywardKMSPlugin
import KeywardKeyring

/// libFuzzer over the readers of outside bytes; see scripts/fuzz.
///
/// SwiftPM gives an executable its own `main`, so the driver is called instead of being linked as
/// `main`: `keyward-fuzz TARGET [libFuzzer options] [corpus]`.
@main
enum KeywardFuzz {
  static let targets: [String: @Sendable ([UInt8]) -> Int] = [
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
    "kms-message": { KMSFuzzTargets.messages($0) },
    "grpc-framing": { GRPCFuzzTargets.framing($0) },
    "grpc-frames": { GRPCFuzzTargets.frames($0) },
  ]

  static func main() {
    var arguments = CommandLine.arguments
    guard arguments.count >= 2, let target = targets[arguments[1]] else {
      print("usage: keyward-fuzz \(targets.keys.sorted().joined(separator: "|")) [options]")
      return
    }
    chosen = target
    arguments.remove(at: 1)
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
