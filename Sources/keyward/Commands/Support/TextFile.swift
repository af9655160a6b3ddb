import Glibc
import KeywardSystem

/// Public text: documents, key sets, certificates; `-` is standard input.
enum TextFile {
  /// Reads a whole file of UTF-8; larger ones are refused.
  static func read(_ path: String, limit: Int = 1 << 20) throws -> String {
    let file =
      path == "-"
      ? FileDescriptor(owning: dup(STDIN_FILENO)) : try FileDescriptor.open(path, O_RDONLY)
    let name = path == "-" ? "standard input" : path
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0, from: name) }
      if count == 0 { break }
      bytes += chunk[..<count]
      guard bytes.count <= limit else {
        throw CommandFailure(.usage, "\(name) has more than \(limit) bytes.")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure(.usage, "\(name) is not UTF-8.")
    }
    return text
  }

  /// The path of a file that another file names: relative to that file's folder.
  static func path(_ path: String, besides file: String) -> String {
    if path.hasPrefix("/") || file == "-" { return path }
    return parentDirectory(of: file) + "/" + path
  }
}
