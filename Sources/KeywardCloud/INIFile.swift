import KeywardCrypto

/// The form of `~/.aws/credentials`, read within the arena.
enum INIFile {
  /// The values of the section `[name]` by name, without white space around them.
  static func section(
    _ name: String,
    in text: borrowing SecretBytes
  ) throws(CryptoError) -> [String: SecretBox] {
    try text.withUnsafeBytes { (bytes) throws(CryptoError) in
      var found: [String: SecretBox] = [:]
      var isInside = false
      for line in bytes.split(separator: 0x0a) {
        let line = trimmed(line)
        guard let first = line.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
          continue
        }
        if first == UInt8(ascii: "[") {
          isInside =
            line.last == UInt8(ascii: "]")
            && trimmed(line.dropFirst().dropLast()).elementsEqual(name.utf8)
        } else if isInside, let equals = line.firstIndex(of: UInt8(ascii: "=")) {
          let field = String(decoding: trimmed(line[..<equals]), as: UTF8.self)
          let value = trimmed(line[line.index(after: equals)...])
          guard !value.isEmpty else { continue }
          found[field] = SecretBox(
            try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: value))
          )
        }
      }
      return found
    }
  }

  private static func trimmed(
    _ slice: Slice<UnsafeRawBufferPointer>
  ) -> Slice<UnsafeRawBufferPointer> {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
    guard let first = slice.firstIndex(where: { !isSpace($0) }),
      let last = slice.lastIndex(where: { !isSpace($0) })
    else { return slice[slice.startIndex..<slice.startIndex] }
    return slice[first...last]
  }
}
