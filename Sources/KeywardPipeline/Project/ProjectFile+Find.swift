import Glibc
import KeywardSystem

extension ProjectFile {
  /// The `keyward.yaml` of a folder or of those above it, up to the root of its repository.
  ///
  /// Beyond the folder that has `.git` nothing is looked at, and without one only the folder itself:
  /// what lies above is not of the project, and may be a stranger's. Nil if there is none.
  package static func path(from folder: String) -> String? {
    var next = folder
    var found: String?
    while true {
      let path = next == "/" ? "/" + standardName : next + "/" + standardName
      if found == nil, access(path, F_OK) == 0 { found = path }
      if next == folder, found != nil { return found }
      if access(next + "/.git", F_OK) == 0 { return found }
      if next == "/" || next == "." { return nil }
      next = parentDirectory(of: next)
    }
  }

  /// Reads a file of at most `longest` bytes.
  package static func read(_ path: String) throws -> ProjectFile {
    // A pipe in its place must not keep a job waiting.
    let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
    try checkOwner(of: file, path)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= longest {
      let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0, from: path) }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return try ProjectFile(parsing: bytes, named: path)
  }

  /// Refuses a file that another user has put into somebody's folder, such as /tmp: it decides which
  /// secrets a command is given.
  private static func checkOwner(of file: borrowing FileDescriptor, _ path: String) throws {
    let status = try file.status(of: path)
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw PipelineError(.input, "\(path) is no regular file.")
    }
    var folder = stat()
    let isOfFolder =
      stat(parentDirectory(of: path), &folder) == 0 && folder.st_uid == status.st_uid
    guard status.st_uid == geteuid() || status.st_uid == 0 || isOfFolder else {
      throw PipelineError(
        .input,
        "\(path) belongs to another user (uid \(status.st_uid)) than its folder.",
        remedy: "Own it, or read no project file: --no-project."
      )
    }
  }
}
