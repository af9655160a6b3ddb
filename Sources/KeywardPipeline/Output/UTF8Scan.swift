/// Reads Unicode scalars out of bytes one by one, without making text of them.
///
/// Strict as RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF.
package struct UTF8Scan {
  private let bytes: UnsafeRawBufferPointer
  package private(set) var offset = 0

  package init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  package enum Step: Equatable {
    case scalar(UInt32)
    /// A byte that begins no scalar.
    case invalid
    case end
  }

  /// The next scalar; after `invalid` the scan stands at the byte that is wrong.
  package mutating func next() -> Step {
    guard offset < bytes.count else { return .end }
    let first = bytes[offset]
    if first < 0x80 {
      offset += 1
      return .scalar(UInt32(first))
    }
    let length: Int
    var value: UInt32
    let least: UInt32
    switch first {
    case 0xc2...0xdf: (length, value, least) = (2, UInt32(first & 0x1f), 0x80)
    case 0xe0...0xef: (length, value, least) = (3, UInt32(first & 0x0f), 0x800)
    case 0xf0...0xf4: (length, value, least) = (4, UInt32(first & 0x07), 0x1_0000)
    default: return .invalid
    }
    guard bytes.count - offset >= length else { return .invalid }
    for index in 1..<length {
      let byte = bytes[offset + index]
      guard byte & 0xc0 == 0x80 else { return .invalid }
      value = value << 6 | UInt32(byte & 0x3f)
    }
    guard value >= least, value <= 0x10_ffff, !(0xd800..<0xe000).contains(value) else {
      return .invalid
    }
    offset += length
    return .scalar(value)
  }

  /// Whether all of the bytes are UTF-8.
  package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var scan = UTF8Scan(bytes)
    while true {
      switch scan.next() {
      case .scalar: continue
      case .invalid: return false
      case .end: return true
      }
    }
  }
}
