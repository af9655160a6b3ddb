import KeywardModel

/// The textual encoding of RFC 7468, strictly: one label, nothing between the blocks.
enum PEM {
  /// The contents of the blocks of a text of at most 1 MiB, nil when it has anything else.
  static func blocks(_ text: String, label: String) -> [[UInt8]]? {
    guard text.utf8.count <= 1 << 20 else { return nil }
    var blocks: [[UInt8]] = []
    var digits: String?
    for var line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasSuffix("\r") { line.removeLast() }
      if let sofar = digits {
        if line == "-----END \(label)-----" {
          guard let bytes = Base64.decode(sofar), !bytes.isEmpty else { return nil }
          blocks.append(bytes)
          digits = nil
        } else {
          guard (1...76).contains(line.utf8.count) else { return nil }
          digits = sofar + line
        }
      } else if line == "-----BEGIN \(label)-----" {
        digits = ""
      } else if !line.isEmpty {
        return nil
      }
    }
    return digits == nil ? blocks : nil
  }

  /// One block, lines of 64 digits.
  static func text(_ bytes: [UInt8], label: String) -> String {
    var text = "-----BEGIN \(label)-----\n"
    var digits = Base64.encode(bytes)[...]
    while !digits.isEmpty {
      text += digits.prefix(64) + "\n"
      digits = digits.dropFirst(64)
    }
    return text + "-----END \(label)-----\n"
  }
}
