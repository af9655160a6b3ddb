import KeywardCrypto

/// Patterns one behind the other in the arena, sorted and without doubles once it is finished.
struct PatternPool: ~Copyable {
  /// A pattern's place; its bytes are secret, its length is not.
  struct Entry {
    var offset: Int
    var count: Int
  }

  /// No pattern is shorter: shorter text is too common to be taken out of an output.
  static let minimum = 6
  /// Longer ones are cut into pieces of `pieceCount`, each a pattern.
  ///
  /// So what must be held back stays small. A whole occurrence is covered by its pieces.
  static let maximum = 512
  static let pieceCount = 64

  private var text: SecretText
  private(set) var entries: [Entry] = []

  init() throws(CryptoError) {
    text = try SecretText(capacity: 1 << 14)
  }

  /// Adds a pattern, in pieces if it is long; one that is too short is left out.
  mutating func add(_ pattern: UnsafeRawBufferPointer) throws(CryptoError) {
    guard pattern.count >= Self.minimum else { return }
    let start = text.count
    try text.append(pattern)
    guard pattern.count > Self.maximum else {
      entries.append(Entry(offset: start, count: pattern.count))
      return
    }
    var offset = 0
    while offset < pattern.count {
      // The last piece reaches back, so that all have the same length.
      let begin = min(offset, pattern.count - Self.pieceCount)
      entries.append(Entry(offset: start + begin, count: Self.pieceCount))
      offset += Self.pieceCount
    }
  }

  /// The entries in the order of their bytes, without doubles.
  borrowing func sorted() -> [Entry] {
    let entries = self.entries
    return text.withUnsafeBytes { bytes in
      let ordered = entries.sorted { Self.order(bytes, $0, $1) < 0 }
      var kept: [Entry] = []
      kept.reserveCapacity(ordered.count)
      for entry in ordered where kept.last.map({ Self.order(bytes, $0, entry) != 0 }) ?? true {
        kept.append(entry)
      }
      return kept
    }
  }

  /// The bytes, to which the entries are offsets.
  consuming func finish() throws(CryptoError) -> SecretBytes {
    try text.finish()
  }

  private static func order(_ bytes: UnsafeRawBufferPointer, _ left: Entry, _ right: Entry) -> Int {
    let count = min(left.count, right.count)
    for index in 0..<count {
      let (a, b) = (bytes[left.offset + index], bytes[right.offset + index])
      if a != b { return a < b ? -1 : 1 }
    }
    return left.count == right.count ? 0 : left.count < right.count ? -1 : 1
  }
}
