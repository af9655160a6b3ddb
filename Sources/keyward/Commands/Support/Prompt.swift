import Glibc
import KeywardCrypto
import KeywardSystem

/// Asks on the terminal, without echo, straight into the locked arena.
enum Prompt {
  private static let limit = 4096

  /// Reads one line of at most 4096 bytes from `/dev/tty`.
  static func secret(_ question: String) throws -> SecretBox {
    let terminal = try open()
    var settings = termios()
    guard tcgetattr(terminal.rawValue, &settings) == 0 else {
      throw SystemError(cannot: "read the terminal's settings", code: errno)
    }
    var silent = settings
    // Without ISIG and ICANON, Ctrl-C comes in as a byte, and the settings are always put back.
    silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
    guard tcsetattr(terminal.rawValue, TCSAFLUSH, &silent) == 0 else {
      throw SystemError(cannot: "turn the terminal's echo off", code: errno)
    }
    defer {
      tcsetattr(terminal.rawValue, TCSAFLUSH, &settings)
      write("\n", to: terminal.rawValue)
    }
    write(question, to: terminal.rawValue)
    var line = try SecretBytes(count: limit)
    let count = try readLine(terminal.rawValue, into: &line)
    return SecretBox(try SecretBytes(copying: line, range: 0..<count))
  }

  /// Asks a question of which the answer is yes or no on `/dev/tty`; everything but yes is no.
  static func confirms(_ question: String, orGive option: String) throws -> Bool {
    let terminal: FileDescriptor
    do {
      terminal = try FileDescriptor.open("/dev/tty", O_RDWR | O_NOCTTY)
    } catch {
      throw CommandFailure(
        .usage,
        "There is no terminal to ask on whether to go on.",
        remedy: "Give \(option), if what is above is what you want."
      )
    }
    write(question + " [y/N] ", to: terminal.rawValue)
    var answer = try SecretBytes(count: limit)
    let count = try readLine(terminal.rawValue, into: &answer)
    let line = try SecretBytes(copying: answer, range: 0..<count).revealed()
    return ["y", "yes"].contains(String(decoding: line, as: UTF8.self).lowercased())
  }

  private static func open() throws -> FileDescriptor {
    do {
      return try FileDescriptor.open("/dev/tty", O_RDWR | O_NOCTTY)
    } catch {
      throw CommandFailure(
        .usage,
        "There is no terminal to ask for a secret on.",
        remedy: "Give it in a file (mode 0600), or '-' for standard input."
      )
    }
  }

  private static func readLine(_ descriptor: CInt, into line: inout SecretBytes) throws -> Int {
    var count = 0
    var byte: UInt8 = 0
    defer { byte = 0 }
    while true {
      let got = read(descriptor, &byte, 1)
      if got < 0, errno == EINTR { continue }
      guard got == 1 else { return count }
      switch byte {
      case 0x0a, 0x0d, 0x04: return count
      case 0x03: throw CommandFailure(.failed, "Cancelled.")
      case 0x08, 0x7f: count = max(0, count - 1)
      case 0x15: count = 0
      default:
        guard count < limit else { throw CommandFailure(.usage, "The line is too long.") }
        let position = count
        let value = byte
        line.withUnsafeMutableBytes { $0[position] = value }
        count += 1
      }
    }
  }

  private static func write(_ text: String, to descriptor: CInt) {
    _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }
}
