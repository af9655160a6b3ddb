import ArgumentParser
import Glibc
import KeywardCrypto
import KeywardModel
import KeywardSystem

/// The seal to make, for `init` and `rekey`.
struct SealOptions: ParsableArguments {
  @Option(
    help: """
      shamir: shares that people hold. passphrase: typed at each start. key-file, credential: \
      the server opens by itself, with the file or systemd credential of its configuration; \
      the shares are then for recovery.
      """
  )
  var seal = SealKind.shamir

  @Option(help: "How many shares to make (1 to 255).")
  var shares = 5

  @Option(help: "How many of them open the seal.")
  var threshold = 3

  func request() throws -> SealRequest {
    try SealRequest(seal: seal, shares: shares, threshold: threshold)
  }

  /// Asks for share lines and prints them, or writes them to a file; the server keeps none.
  ///
  /// The file is made first: shares that cannot be written would be lost.
  static func write(
    to output: ByteOutput,
    _ format: OutputFormat,
    _ ask: () throws -> SecretBox
  ) throws {
    try output.prepare()
    let shares: SecretBox
    do {
      shares = try ask()
    } catch {
      output.discard()
      throw error
    }
    guard shares.bytes.count > 0 else { return output.discard() }
    guard format == .json, output.path == nil else {
      do {
        try output.write(shares)
      } catch {
        guard output.path != nil else { throw error }
        // Better on the terminal than lost: they are not kept anywhere else.
        StandardStream.error("keyward: the file cannot be written; the shares follow.\n")
        return try shares.bytes.withUnsafeBytes { try ByteOutput.writeAll($0) }
      }
      if let path = output.path {
        StandardStream.error("The shares are in \(path), and nowhere else: hand them out apart.\n")
      }
      return
    }
    // Share lines are plain ASCII words: the array is written around them, in place.
    try write("{\"shares\": [")
    try shares.bytes.withUnsafeBytes { bytes in
      var isFirst = true
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        try write(isFirst ? "\"" : ", \"")
        try ByteOutput.writeAll(UnsafeRawBufferPointer(rebasing: line))
        try write("\"")
        isFirst = false
      }
    }
    try write("]}\n")
  }

  private static func write(_ text: String) throws {
    try Array(text.utf8).withUnsafeBytes { try ByteOutput.writeAll($0) }
  }
}
