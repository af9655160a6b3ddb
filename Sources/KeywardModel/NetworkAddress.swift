/// An IPv4 or IPv6 address, as 4 or 16 bytes in network order.
///
/// An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is its IPv4 address: one peer, one spelling, so
/// that a rule about a network cannot be passed by in another form.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// Takes 4 or 16 bytes, else nil.
  package init?(_ bytes: [UInt8]) {
    switch bytes.count {
    case 4: self.bytes = bytes
    case 16:
      let isMapped =
        bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
      self.bytes = isMapped ? Array(bytes.suffix(4)) : bytes
    default: return nil
    }
  }

  /// Parses dotted decimal or RFC 4291 text; no zone, no leading zeros in decimals.
  package init?(_ text: String) {
    if let bytes = Self.ipv4(text[...]) {
      self.init(bytes)
    } else if let bytes = Self.ipv6(text) {
      self.init(bytes)
    } else {
      return nil
    }
  }

  package var isIPv6: Bool { bytes.count == 16 }

  package var description: String {
    if !isIPv6 { return "\(bytes[0]).\(bytes[1]).\(bytes[2]).\(bytes[3])" }
    let groups = stride(from: 0, to: 16, by: 2).map {
      UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
    }
    // RFC 5952 §4.2: the longest run of at least two zero groups becomes "::", the first of equals.
    var best: Range<Int>?
    var index = 0
    while index < 8 {
      guard groups[index] == 0 else {
        index += 1
        continue
      }
      let start = index
      while index < 8, groups[index] == 0 { index += 1 }
      if index - start >= 2, index - start > (best?.count ?? 0) { best = start..<index }
    }
    let words = groups.map { String($0, radix: 16) }
    guard let best else { return words.joined(separator: ":") }
    return words[..<best.lowerBound].joined(separator: ":") + "::"
      + words[best.upperBound...].joined(separator: ":")
  }

  private static func ipv4(_ text: Substring) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
        part.utf8.count == 1 || part.first != "0", let byte = UInt8(part)
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func ipv6(_ text: String) -> [UInt8]? {
    guard text.utf8.count <= 45, text.utf8.contains(58) else { return nil }
    if let gap = text.firstRange(ofDoubleColonIn: text) {
      guard let head = groups(text[..<gap.lowerBound], allowsIPv4: false),
        let tail = groups(text[gap.upperBound...], allowsIPv4: true),
        head.count + tail.count <= 14
      else { return nil }
      return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }
    guard let bytes = groups(text[...], allowsIPv4: true), bytes.count == 16 else { return nil }
    return bytes
  }

  private static func groups(_ text: Substring, allowsIPv4: Bool) -> [UInt8]? {
    guard !text.isEmpty else { return [] }
    var bytes: [UInt8] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if allowsIPv4, index == parts.count - 1, part.utf8.contains(46) {
        guard let tail = ipv4(part) else { return nil }
        bytes += tail
        continue
      }
      guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ isHexDigit($0) }),
        let group = UInt16(part, radix: 16)
      else { return nil }
      bytes += [UInt8(group >> 8), UInt8(truncatingIfNeeded: group)]
      guard bytes.count <= 16 else { return nil }
    }
    return bytes
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte) || (65...70).contains(byte)
  }
}

extension String {
  /// Where the first `::` is.
  fileprivate func firstRange(ofDoubleColonIn text: String) -> Range<String.Index>? {
    var index = text.startIndex
    while index < text.endIndex {
      let next = text.index(after: index)
      if text[index] == ":", next < text.endIndex, text[next] == ":" {
        return index..<text.index(after: next)
      }
      index = next
    }
    return nil
  }
}

/// A network: an address and how many of its leading bits count (RFC 4632, CIDR).
package struct NetworkPrefix: Hashable, Sendable, CustomStringConvertible {
  package let address: NetworkAddress
  /// 0 to 32 for IPv4, 0 to 128 for IPv6.
  package let length: Int

  /// Parses `10.0.0.0/8` or an address alone; bits beyond the length must be zero, so that a network
  /// has one spelling.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let address = NetworkAddress(String(parts[0])) else {
      return nil
    }
    let longest = address.bytes.count * 8
    var length = longest
    if parts.count == 2 {
      guard (1...3).contains(parts[1].utf8.count),
        parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
        parts[1].utf8.count == 1 || parts[1].first != "0",
        let number = Int(parts[1]), number <= longest
      else { return nil }
      length = number
    }
    // A mapped address was given with the length of an IPv6 network: say it in IPv4.
    guard parts.count == 1 || address.isIPv6 == parts[0].utf8.contains(58) else { return nil }
    for (index, byte) in address.bytes.enumerated() {
      let bits = min(max(length - index * 8, 0), 8)
      guard byte & (0xff >> UInt8(bits)) == 0 || bits == 8 else { return nil }
    }
    self.address = address
    self.length = length
  }

  package func contains(_ other: NetworkAddress) -> Bool {
    guard other.bytes.count == address.bytes.count else { return false }
    for index in address.bytes.indices {
      let bits = length - index * 8
      guard bits > 0 else { return true }
      let mask: UInt8 = bits >= 8 ? 0xff : ~(0xff >> UInt8(bits))
      guard (address.bytes[index] ^ other.bytes[index]) & mask == 0 else { return false }
    }
    return true
  }

  /// Whether every address of `other` is in this network.
  package func contains(_ other: NetworkPrefix) -> Bool {
    other.length >= length && contains(other.address)
  }

  package var description: String { "\(address)/\(length)" }
}
