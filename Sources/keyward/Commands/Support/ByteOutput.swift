import ArgumentParser
import Glibc
import KeywardCrypto
import KeywardModel
import KeywardSystem

/// Where result bytes go: a new file of mode 0600, whole or not at all, or standard output.
struct ByteOutput: ParsableArguments {
  @Option(
    name: .customLong("out"),
    help: ArgumentHelp(
      "Write the result to this file (mode 0600). (default: standard output)",
      valueName: "file"
    )
  )
  var path: String?

  /// Makes sure that the file can be written, before something is asked for that is given once.
  ///
  /// A file that exists is refused: it may hold the shares of another time.
  func prepare() throws {
    guard let path, path != "-" else { return }
    try AtomicFile.write([], to: path, replacing: false)
  }

  /// Removes what `prepare` made, when there is nothing to write after all.
  func discard() {
    guard let path, path != "-" else { return }
    unlink(path)
  }

  /// Writes secret bytes from the arena, without another copy.
  func write(_ secret: SecretBox) throws {
    try secret.bytes.withUnsafeBytes { bytes in
      if let path, path != "-" {
        try AtomicFile.write(bytes, to: path)
      } else {
        try Self.writeAll(bytes)
      }
    }
  }

  /// Writes public bytes, as they are or as one line of base64.
  func write(_ bytes: [UInt8], asBase64: Bool) throws {
    let output = asBase64 ? Array((Base64.encode(bytes) + "\n").utf8) : bytes
    try output.withUnsafeBytes { bytes in
      if let path, path != "-" {
        try AtomicFile.write(bytes, to: path)
      } else {
        try Self.writeAll(bytes)
      }
    }
  }

  /// Writes to standard output, or says why it cannot.
  static func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = Glibc.write(STDOUT_FILENO, part.baseAddress, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError(cannot: "write to standard output", code: errno) }
      rest = rest.dropFirst(count)
    }
  }
}
