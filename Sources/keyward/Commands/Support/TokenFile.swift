import Glibc
import KeywardCrypto
import KeywardModel
import KeywardSystem

/// The file in which `login` leaves its token: mode 0600, in the user's configuration folder.
enum TokenFile {
  /// `$KEYWARD_TOKEN_FILE`, else `~/.config/keyward/token`; nil without a home.
  static var path: String? {
    if let path = named { return path }
    let environment = ProcessEnvironment.all
    if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") {
      return folder + "/keyward/token"
    }
    guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
    return home + "/.config/keyward/token"
  }

  /// The file that the environment names.
  static var named: String? {
    ProcessEnvironment.all["KEYWARD_TOKEN_FILE"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Reads the token of a file that nobody else may read; nil when there is no file.
  static func read(_ path: String) throws -> BearerCredential? {
    guard access(path, F_OK) == 0 else { return nil }
    let secret = try SecretFile.read(path, limit: BearerCredential.maximumLength + 2)
    let text = String(decoding: secret.revealed(), as: UTF8.self)
    guard let credential = BearerCredential(text.trimmingLineEnd) else {
      throw CommandFailure(
        .usage,
        "\(path) does not hold one token.",
        remedy: "Log in again, or remove it."
      )
    }
    return credential
  }

  /// Keeps a token, and makes the folder of the file where it is missing.
  static func write(_ credential: BearerCredential) throws -> String {
    guard let path else {
      throw CommandFailure(
        .usage,
        "There is no place for the token: HOME is not set.",
        remedy: "Set KEYWARD_TOKEN_FILE to the path of a file."
      )
    }
    try makeFolder(parentDirectory(of: path))
    try AtomicFile.write(Array((credential.revealed + "\n").utf8), to: path, mode: 0o600)
    return path
  }

  /// Forgets the token; nothing happens when there is none.
  static func remove() {
    if let path { unlink(path) }
  }

  /// Makes a folder of mode 0700, and those above it that are missing.
  static func makeFolder(_ folder: String) throws {
    guard access(folder, F_OK) != 0 else { return }
    let parent = parentDirectory(of: folder)
    if parent != folder, parent != "." { try makeFolder(parent) }
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
      throw SystemError(cannot: "make the folder \(folder)", code: errno)
    }
  }
}

extension String {
  fileprivate var trimmingLineEnd: Substring {
    var rest = self[...]
    while let last = rest.last, last.isNewline { rest = rest.dropLast() }
    return rest
  }
}
