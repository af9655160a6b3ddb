import Foundation
import Glibc

/// A folder of mode 0700 that goes away with the value.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/keyward-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file with exactly these permission bits.
  func write(_ bytes: [UInt8], to name: String, mode: mode_t) throws {
    try Data(bytes).write(to: URL(filePath: file(name)))
    chmod(file(name), mode)
  }
}

/// The permission bits of a path.
func permissions(of path: String) -> mode_t? {
  var status = stat()
  return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}
