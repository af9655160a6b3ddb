/// A view of a matcher's tables, which must not outlive the call that gave it.
struct MaskTables {
  let text: UnsafeRawBufferPointer
  let entries: UnsafeRawBufferPointer
  let entryCount: Int
  let filter: UnsafeRawBufferPointer
  let filterShift: UInt32
  let table: UnsafeRawBufferPointer
  let tableMask: Int

  /// What begins at a position.
  struct Finding {
    /// The length of the longest pattern that is there whole; 0 for none.
    var whole = 0
    /// The length of the shortest pattern of which all that is there is a beginning; 0 for none.
    var begun = 0
  }

  /// The first position from `start` on at which a pattern may begin, but at most `end`.
  ///
  /// Four bytes must follow each position below `end`.
  @inline(__always)
  func candidate(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
    guard let base = bytes.baseAddress, let bits = filter.baseAddress else { return end }
    var index = start
    while index < end {
      let word = base.loadUnaligned(fromByteOffset: index, as: UInt32.self)
      let bit = (word &* 0x9e37_79b1) &>> filterShift
      let byte = bits.load(fromByteOffset: Int(truncatingIfNeeded: bit &>> 3), as: UInt8.self)
      if byte &>> UInt8(truncatingIfNeeded: bit & 7) & 1 != 0 { return index }
      index &+= 1
    }
    return end
  }

  /// Looks up what begins at the start of `rest`.
  func find(_ rest: UnsafeRawBufferPointer) -> Finding {
    var finding = Finding()
    guard rest.count >= PatternPool.minimum else {
      finding.begun = begun(rest)
      return finding
    }
    let key = MaskMatcher.key(rest, 0)
    var slot = MaskMatcher.slot(key, tableMask)
    while true {
      let found = table.load(fromByteOffset: slot * 16, as: UInt64.self)
      if found == 0 { return finding }
      if found == key { break }
      slot = (slot + 1) & tableMask
    }
    let range = table.load(fromByteOffset: slot * 16 + 8, as: UInt64.self)
    let first = Int(range >> 32)
    for index in first..<first + Int(range & 0xffff_ffff) {
      let pattern = pattern(index)
      if pattern.count <= rest.count {
        if pattern.count > finding.whole, Self.isPrefix(pattern, of: rest) {
          finding.whole = pattern.count
        }
      } else if finding.begun == 0 || pattern.count < finding.begun,
        Self.isPrefix(rest, of: pattern)
      {
        finding.begun = pattern.count
      }
    }
    return finding
  }

  /// The length of a pattern that is longer than `rest` and begins with it; 0 for none.
  private func begun(_ rest: UnsafeRawBufferPointer) -> Int {
    var (low, high) = (0, entryCount)
    while low < high {
      let middle = (low + high) / 2
      if Self.isBelow(pattern(middle), rest) { low = middle + 1 } else { high = middle }
    }
    guard low < entryCount else { return 0 }
    let pattern = pattern(low)
    return Self.isPrefix(rest, of: pattern) ? pattern.count : 0
  }

  private func pattern(_ index: Int) -> UnsafeRawBufferPointer {
    let offset = Int(entries.load(fromByteOffset: index * 8, as: UInt32.self))
    let count = Int(entries.load(fromByteOffset: index * 8 + 4, as: UInt32.self))
    return UnsafeRawBufferPointer(rebasing: text[offset..<offset + count])
  }

  private static func isPrefix(
    _ prefix: UnsafeRawBufferPointer,
    of bytes: UnsafeRawBufferPointer
  ) -> Bool {
    var index = 0
    while index < prefix.count {
      if prefix[index] != bytes[index] { return false }
      index &+= 1
    }
    return true
  }

  /// Whether `pattern` sorts before `bytes`.
  private static func isBelow(
    _ pattern: UnsafeRawBufferPointer,
    _ bytes: UnsafeRawBufferPointer
  ) -> Bool {
    for index in 0..<min(pattern.count, bytes.count) where pattern[index] != bytes[index] {
      return pattern[index] < bytes[index]
    }
    return pattern.count < bytes.count
  }
}
