import KeywardCrypto

/// A digest over a set of rows that takes one step for a row added or removed, in any order.
///
/// Each row has an element HMAC(set key, MAC of the row), a number of 256 bits; the digest is their
/// sum modulo 2^256 (MSet-Add-Hash of Clarke and others, Asiacrypt 2003). The sum never leaves the
/// memory: the database holds only a MAC over it, so nobody without the keys learns an element, nor
/// whether two sets have the same sum.
struct SetDigest: Equatable, Sendable {
  private var a: UInt64 = 0
  private var b: UInt64 = 0
  private var c: UInt64 = 0
  private var d: UInt64 = 0

  /// The element of a row, from the row's MAC; little-endian words.
  static func element(of mac: [UInt8], _ key: HMACKey) -> SetDigest {
    key.authenticate(mac).withUnsafeBytes { bytes in
      var element = SetDigest()
      guard bytes.count == 32 else { return element }
      element.a = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
      element.b = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      element.c = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
      element.d = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
      return element
    }
  }

  mutating func add(_ other: SetDigest) {
    var carry = false
    func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
      let (first, overflowed) = left.addingReportingOverflow(right)
      let (second, overflowedAgain) = first.addingReportingOverflow(carry ? 1 : 0)
      carry = overflowed || overflowedAgain
      return second
    }
    a = sum(a, other.a)
    b = sum(b, other.b)
    c = sum(c, other.c)
    d = sum(d, other.d)
  }

  mutating func remove(_ other: SetDigest) {
    var borrow = false
    func difference(_ left: UInt64, _ right: UInt64) -> UInt64 {
      let (first, overflowed) = left.subtractingReportingOverflow(right)
      let (second, overflowedAgain) = first.subtractingReportingOverflow(borrow ? 1 : 0)
      borrow = overflowed || overflowedAgain
      return second
    }
    a = difference(a, other.a)
    b = difference(b, other.b)
    c = difference(c, other.c)
    d = difference(d, other.d)
  }

  /// The sum as 32 bytes, little-endian; for the MAC of the state row alone.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    for word in [a, b, c, d] {
      withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }
    return bytes
  }
}

/// A digest for each table with MACs.
struct TableDigests: Equatable, Sendable {
  private var sums = [SetDigest](repeating: SetDigest(), count: RowTable.allCases.count)

  subscript(_ table: RowTable) -> SetDigest {
    get { sums[table.place] }
    set { sums[table.place] = newValue }
  }
}
