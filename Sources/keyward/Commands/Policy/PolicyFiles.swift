import Glibc
import KeywardModel
import KeywardSystem

/// Files of policy: one file, a folder with all that is in it, or standard input.
enum PolicyFiles {
  /// The files of all paths; of folders those that end in .yaml, .yml or .json, by name.
  static func read(_ paths: [String]) throws -> [PolicyFile] {
    var files: [PolicyFile] = []
    for path in paths {
      for file in isFolder(path) ? try inFolder(path) : [path] {
        files.append(
          PolicyFile(
            name: file == "-" ? "standard input" : name(file),
            text: try TextFile.read(file, limit: 4 << 20)
          )
        )
      }
    }
    guard !files.isEmpty else {
      throw CommandFailure(.usage, "There are no files that end in .yaml, .yml or .json.")
    }
    return files
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The end of a long path: the server takes names of at most 255 bytes.
  private static func name(_ path: String) -> String {
    path.utf8.count <= 255 ? path : "…" + String(path.unicodeScalars.suffix(60))
  }

  private static func inFolder(_ folder: String) throws -> [String] {
    guard let stream = opendir(folder) else {
      throw SystemError(cannot: "read the folder \(folder)", code: errno)
    }
    defer { closedir(stream) }
    var found: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      // What begins with a dot is not meant to be seen, such as a mounted ConfigMap's ..data.
      guard !name.hasPrefix(".") else { continue }
      let path = folder + "/" + name
      if isFolder(path) {
        found += try inFolder(path)
      } else if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) {
        found.append(path)
      }
    }
    return found.sorted()
  }
}
