package import KeywardCrypto

/// Finds all forms of many secrets in bytes, a position at a time.
///
/// A bitmap over the first 4 bytes of every pattern lets nearly every position of ordinary text go
/// by with one load; what passes is looked up by its first 6 bytes and compared. Everything that
/// could tell of the patterns is in the arena.
package final class MaskMatcher: Sendable {
  /// A value must have as many bytes to be masked: shorter ones are in too much other text.
  package static let minimumValue = PatternPool.minimum
  /// No pattern is longer, so no more is ever held back.
  static let maximumPattern = PatternPool.maximum

  /// What takes the place of each run of masked bytes; it makes no pattern with its neighbours.
  package let token: [UInt8]
  package let isEmpty: Bool
  private let text: SecretBytes
  /// Pairs of UInt32, offset and count, in the order of the patterns' bytes.
  private let entries: SecretBytes
  private let entryCount: Int
  private let filter: SecretBytes
  private let filterShift: UInt32
  /// Pairs of UInt64: the first 6 bytes with a mark, and which entries begin with them.
  private let table: SecretBytes
  private let tableMask: Int

  /// Builds the matcher of all forms of `values`; values that are too short are left out.
  package init(_ values: [SecretBox]) throws(CryptoError) {
    var pool = try PatternPool()
    for value in values {
      try value.bytes.withUnsafeBytes { bytes throws(CryptoError) in
        try SecretForms.add(bytes, to: &pool)
      }
    }
    let sorted = pool.sorted()
    let text = try pool.finish()
    isEmpty = sorted.isEmpty
    token = text.withUnsafeBytes { bytes in MaskToken.choose(for: sorted, in: bytes) }
    entryCount = sorted.count
    var entries = try SecretBytes(count: max(sorted.count, 1) * 8)
    entries.withUnsafeMutableBytes { target in
      for (index, entry) in sorted.enumerated() {
        target.storeBytes(of: UInt32(entry.offset), toByteOffset: index * 8, as: UInt32.self)
        target.storeBytes(of: UInt32(entry.count), toByteOffset: index * 8 + 4, as: UInt32.self)
      }
    }
    self.entries = entries

    // 64 bits of the filter for a pattern, so that about one position in 64 passes by chance.
    let bits = min(24, max(15, Self.log2(sorted.count) + 6))
    filterShift = UInt32(32 - bits)
    var filter = try SecretBytes(count: 1 << (bits - 3))
    let slots = 1 << max(4, Self.log2(sorted.count) + 2)
    tableMask = slots - 1
    var table = try SecretBytes(count: slots * 16)
    let (shift, mask) = (filterShift, tableMask)
    text.withUnsafeBytes { bytes in
      var first = 0
      while first < sorted.count {
        let key = Self.key(bytes, sorted[first].offset)
        var last = first + 1
        while last < sorted.count, Self.key(bytes, sorted[last].offset) == key { last += 1 }
        filter.withUnsafeMutableBytes { filter in
          let index = Self.filterIndex(bytes, sorted[first].offset, shift)
          filter[Int(index >> 3)] |= 1 << UInt8(index & 7)
        }
        table.withUnsafeMutableBytes { table in
          var slot = Self.slot(key, mask)
          while table.load(fromByteOffset: slot * 16, as: UInt64.self) != 0 {
            slot = (slot + 1) & mask
          }
          table.storeBytes(of: key, toByteOffset: slot * 16, as: UInt64.self)
          let range = UInt64(first) << 32 | UInt64(last - first)
          table.storeBytes(of: range, toByteOffset: slot * 16 + 8, as: UInt64.self)
        }
        first = last
      }
    }
    self.filter = filter
    self.table = table
    self.text = text
  }

  /// Whether a value is too short to be masked: what it has without blanks around it.
  package static func isTooShort(_ value: borrowing SecretBytes) -> Bool {
    value.withUnsafeBytes { SecretForms.core($0).count < minimumValue }
  }

  /// Calls `body` with a view of the tables for a run of lookups.
  func withTables<R>(_ body: (MaskTables) -> R) -> R {
    text.withUnsafeBytes { text in
      entries.withUnsafeBytes { entries in
        filter.withUnsafeBytes { filter in
          table.withUnsafeBytes { table in
            body(
              MaskTables(
                text: text,
                entries: entries,
                entryCount: entryCount,
                filter: filter,
                filterShift: filterShift,
                table: table,
                tableMask: tableMask
              )
            )
          }
        }
      }
    }
  }

  /// The first 6 bytes with a bit that tells them from an empty slot.
  @inline(__always)
  static func key(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    let low = UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    let high = UInt64(bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self))
    return 1 << 63 | high << 32 | low
  }

  @inline(__always)
  static func filterIndex(
    _ bytes: UnsafeRawBufferPointer,
    _ offset: Int,
    _ shift: UInt32
  ) -> UInt32 {
    let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return (word &* 0x9e37_79b1) &>> shift
  }

  @inline(__always)
  static func slot(_ key: UInt64, _ mask: Int) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
  }

  private static func log2(_ count: Int) -> Int {
    count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
  }
}
