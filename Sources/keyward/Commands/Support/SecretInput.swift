import Glibc
import KeywardCrypto
import KeywardModel
import KeywardSystem

/// Reads what is or may be secret: from files, standard input or a prompt, never from arguments.
enum SecretInput {
  /// Key material, shares and passphrases: a file that nobody else may read, or `-`.
  static func secret(_ path: String, limit: Int = 1 << 16) throws -> SecretBox {
    if path == "-" { return try standardInput(limit: limit) }
    return SecretBox(try SecretFile.read(path, limit: limit))
  }

  /// Data of any mode: what is to be encrypted, signed or checked; `-` is standard input.
  static func data(_ path: String, limit: Int = 1 << 20) throws -> SecretBox {
    if path == "-" { return try standardInput(limit: limit) }
    let file = try FileDescriptor.open(path, O_RDONLY)
    return SecretBox(try SecretFile.read(descriptor: file.rawValue, name: path, limit: limit))
  }

  /// A passphrase: the file without its last line end, or a prompt when there is none.
  static func passphrase(_ path: String?, prompt: String, confirming: Bool) throws -> SecretBox {
    if let path { return try line(try secret(path)) }
    let first = try Prompt.secret(prompt)
    guard confirming else { return first }
    let second = try Prompt.secret("Again: ")
    guard first.bytes.constantTimeEquals(second.bytes) else {
      throw CommandFailure(.usage, "The two entries differ.")
    }
    return first
  }

  /// Shares from files, or as many as the seal's threshold from prompts.
  static func shares(_ files: [String], _ status: SealStatus) throws -> [SecretBox] {
    if !files.isEmpty { return try files.map { try line(try secret($0)) } }
    let needed = max(1, status.threshold ?? 1)
    return try (1...needed).map { try Prompt.secret("Share \($0) of \(needed): ") }
  }

  /// Several files or prompts' lines as one body, each ended by LF.
  static func lines(_ parts: [SecretBox]) throws -> SecretBox {
    var whole = try SecretBytes(count: parts.reduce(0) { $0 + $1.bytes.count + 1 })
    var offset = 0
    for part in parts {
      let start = offset
      part.bytes.withUnsafeBytes { source in
        whole.withUnsafeMutableBytes { target in
          UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: source)
          target[start + source.count] = UInt8(ascii: "\n")
        }
      }
      offset += part.bytes.count + 1
    }
    return SecretBox(whole)
  }

  /// The lines that are not blank, each a secret of its own.
  static func split(_ secret: SecretBox) throws -> [SecretBox] {
    let ranges = secret.bytes.withUnsafeBytes { bytes in
      var ranges: [Range<Int>] = []
      var start = 0
      for index in 0...bytes.count where index == bytes.count || bytes[index] == 0x0a {
        var end = index
        while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
        if end > start { ranges.append(start..<end) }
        start = index + 1
      }
      return ranges
    }
    return try ranges.map { SecretBox(try SecretBytes(copying: secret.bytes, range: $0)) }
  }

  /// The bytes without line ends at their end.
  static func line(_ secret: SecretBox) throws -> SecretBox {
    let count = secret.bytes.withUnsafeBytes { bytes in
      var count = bytes.count
      while count > 0, bytes[count - 1] == UInt8(ascii: "\n") || bytes[count - 1] == 0x0d {
        count -= 1
      }
      return count
    }
    return SecretBox(try SecretBytes(copying: secret.bytes, range: 0..<count))
  }

  private static func standardInput(limit: Int) throws -> SecretBox {
    SecretBox(try SecretFile.read(descriptor: STDIN_FILENO, limit: limit))
  }
}
