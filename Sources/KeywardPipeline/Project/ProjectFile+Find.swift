import Glibc
import KeywardSystem

extension ProjectFile {
  /// The `keyward.yaml` of a folder or of those above it, up to the root of its repository.
  ///
  /// Beyond the folder that has `.git` nothing is looked at: what lies above is not of the project.
  /// Nil if there is none.
  package static func path(from folder: String) -> String? {
    var folder = folder
    while true {
      let path = folder == "/" ? "/" + standardName : folder + "/" + standardName
      if access(path, F_OK) == 0 { return path }
      if folder == "/" || folder == "." || access(folder + "/.git", F_OK) == 0 { return nil }
      folder = parentDirectory(of: folder)
    }
  }

  /// Reads a file of at most `longest` bytes.
  package static func read(_ path: String) throws -> ProjectFile {
    let file = try FileDescriptor.open(path, O_RDONLY)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= longest {
      let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0, from: path) }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return try ProjectFile(parsing: bytes, named: path)
  }
}
