import KeywardModel

/// Reads the header of an age file line by line, strictly: each header has one spelling.
struct AgeHeaderReader {
  private static let longestLine = 1024
  private static let columns = 64

  private let bytes: [UInt8]
  private(set) var offset = 0
  /// Where what the MAC covers ends: after the three hyphens.
  private(set) var endOfCovered = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The next line of printable ASCII without its LF; nil for anything else.
  mutating func line() -> String? {
    let window = bytes[offset...].prefix(Self.longestLine)
    guard let end = window.firstIndex(of: 0x0a) else { return nil }
    let line = bytes[offset..<end]
    guard line.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
    offset = end + 1
    return String(decoding: line, as: UTF8.self)
  }

  /// The next `-> arguments` and its body; nil at what is no stanza.
  mutating func stanza() -> (arguments: [String], body: [UInt8])? {
    guard bytes[offset...].starts(with: "-> ".utf8), let first = line() else { return nil }
    let arguments = first.dropFirst(3).split(separator: " ", omittingEmptySubsequences: false)
    guard arguments.allSatisfy({ !$0.isEmpty }) else { return nil }
    var text = ""
    while let next = line() {
      text += next
      guard next.utf8.count <= Self.columns, text.utf8.count <= 4096 else { return nil }
      if next.utf8.count < Self.columns {
        guard let body = Self.decode(text) else { return nil }
        return (arguments.map(String.init), body)
      }
    }
    return nil
  }

  /// The MAC of `--- MAC`, after which the payload begins.
  mutating func mac() -> [UInt8]? {
    guard bytes[offset...].starts(with: "--- ".utf8) else { return nil }
    endOfCovered = offset + 3
    return line().flatMap { Self.decode(String($0.dropFirst(4))) }
  }

  /// Canonical base64 without padding.
  static func decode(_ text: String) -> [UInt8]? {
    guard !text.utf8.contains(0x3d) else { return nil }
    let padding = (4 - text.utf8.count % 4) % 4
    guard padding < 3 else { return nil }
    return Base64.decode(text + String(repeating: "=", count: padding))
  }
}
