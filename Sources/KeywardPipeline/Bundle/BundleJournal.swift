import Glibc
import KeywardCrypto
package import KeywardModel
package import KeywardSystem

/// The local record of openings of bundles, kept until a server has it in its audit log.
///
/// A line is written and made durable before a value is given. Each line ends in the hash of all lines
/// up to it, so that one that was removed or changed is seen when they are reported. Whoever may write
/// the file can also make it anew: it is a record for honest operators, and says so to the server.
package struct BundleJournal: Sendable {
  package struct Opening: Equatable, Sendable {
    package let time: String
    /// The SHA-256 of the bundle, in hexadecimal.
    package let digest: String
    package let environment: String
    /// `user@host`, as the machine says.
    package let by: String
    package let references: [String]

    package init(
      time: Timestamp,
      digest: [UInt8],
      environment: EnvironmentName,
      by: String,
      references: [SecretReference]
    ) {
      self.time = time.rfc3339
      self.digest = BundleJournal.hex(digest)
      self.environment = environment.description
      self.by = String(by.unicodeScalars.filter { $0.value > 0x20 && $0.value < 0x7f }.prefix(200))
      self.references = references.map(\.description)
    }
  }

  package struct State: Sendable {
    /// Openings that no report tells of.
    package let pending: [Opening]
    /// The number of the first line that does not fit to those before it, from 1; nil if all do.
    package let brokenAt: Int?
    let chain: [UInt8]
  }

  private static let longest = 64 << 20
  package let path: String

  package init(path: String) {
    self.path = path
  }

  /// Adds an opening; when it returns, the line is on the disk.
  package func add(_ opening: Opening) throws(SystemError) {
    try append(
      "opened \(opening.time) \(opening.digest) \(opening.environment) \(opening.by) "
        + opening.references.joined(separator: ",")
    )
  }

  /// Adds that the openings of `state`, the oldest there are, have been reported.
  package func addReport(at time: Timestamp, of state: State) throws(SystemError) {
    try append("reported \(time.rfc3339) \(state.pending.count)")
  }

  /// Reads the journal; there is nothing in one that is not there.
  package func read() throws(SystemError) -> State {
    guard access(path, F_OK) == 0 else { return State(pending: [], brokenAt: nil, chain: []) }
    let file = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW)
    return Self.state(of: try file.readAll(from: path, limit: Self.longest))
  }

  static func state(of bytes: [UInt8]) -> State {
    var chain: [UInt8] = []
    var pending: [Opening] = []
    var brokenAt: Int?
    for (index, line) in bytes.split(separator: 0x0a).enumerated() {
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      let text = line.dropLast((words.last?.utf8.count ?? 0) + 1)
      chain = link(chain, Array(text))
      if brokenAt == nil, words.last.map(String.init) != hex(chain) { brokenAt = index + 1 }
      if words.count == 7, words[0] == "opened", let opening = Opening(words) {
        pending.append(opening)
      } else if words.count == 4, words[0] == "reported", let count = Int(words[2]),
        (0...pending.count).contains(count)
      {
        // What was opened while the report was under way was not in it.
        pending.removeFirst(count)
      } else {
        brokenAt = brokenAt ?? index + 1
      }
    }
    return State(pending: pending, brokenAt: brokenAt, chain: chain)
  }

  private func append(_ text: String) throws(SystemError) {
    let file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
    // Two openings at once: one line after the other.
    guard flock(file.rawValue, LOCK_EX) == 0 else {
      throw SystemError(cannot: "lock \(path)", code: errno)
    }
    let state = Self.state(of: try file.readAll(from: path, limit: Self.longest))
    let chain = Self.link(state.chain, Array(text.utf8))
    let line = Array("\(text) \(Self.hex(chain))\n".utf8)
    let result = line.withUnsafeBytes { bytes in
      Result { () throws(SystemError) in try file.write(bytes, to: path) }
    }
    try result.get()
    try file.synchronize(path)
  }

  private static func link(_ chain: [UInt8], _ text: [UInt8]) -> [UInt8] {
    Digest.sha256(Array("keyward/v1/bundle/journal\n".utf8), chain, text)
  }

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

extension BundleJournal.Opening {
  fileprivate init?(_ words: [Substring]) {
    guard Timestamp(rfc3339: String(words[1])) != nil, words[2].utf8.count == 64,
      (try? EnvironmentName(String(words[3]))) != nil
    else { return nil }
    time = String(words[1])
    digest = String(words[2])
    environment = String(words[3])
    by = String(words[4])
    references = words[5].split(separator: ",").map(String.init)
  }
}
