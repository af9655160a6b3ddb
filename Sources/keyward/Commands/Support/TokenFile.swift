import Glibc
import KeywardClient
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

  /// Reads the token of a file that nobody else may read, for that server; nil when there is no file.
  static func read(
    _ path: String,
    for origin: () throws -> TokenOrigin
  ) throws -> BearerCredential? {
    guard access(path, F_OK) == 0 else { return nil }
    let secret = try SecretFile.read(path, limit: KeptToken.longest)
    guard let kept = KeptToken(String(decoding: secret.revealed(), as: UTF8.self)) else {
      throw CommandFailure(
        .usage,
        "\(path) does not hold one token.",
        remedy: "Log in again, or remove it."
      )
    }
    guard let own = kept.origin else { return kept.credential }
    let asked = try origin()
    guard own != asked else { return kept.credential }
    let remedy =
      "Log in there: keyward login. With several servers give each its own file: KEYWARD_TOKEN_FILE."
    guard own.server == asked.server else {
      throw CommandFailure(
        .refused,
        "The token in \(path) is of \(own.server), and is not sent to \(asked.server).",
        remedy: remedy
      )
    }
    throw CommandFailure(
      .refused,
      "The token in \(path) is of a login at \(own.server) that trusted other authorities than"
        + " those of now, and is not sent.",
      remedy: "Name the same with --cacert or KEYWARD_CACERT. If they were replaced: keyward login."
    )
  }

  /// Keeps a token, and makes the folder of the file where it is missing.
  static func write(_ token: KeptToken) throws -> String {
    guard let path else {
      throw CommandFailure(
        .usage,
        "There is no place for the token: HOME is not set.",
        remedy: "Set KEYWARD_TOKEN_FILE to the path of a file."
      )
    }
    try makeFolder(parentDirectory(of: path))
    try AtomicFile.write(Array(token.text.utf8), to: path, mode: 0o600)
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
