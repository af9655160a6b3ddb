package import KeywardCrypto

/// The text form of a share: `kwshare1-`, then 80 digits of RFC 4648 base32 in lower case, in 16
/// groups of five parted by hyphens.
///
/// The digits are 50 bytes: version 1, set id 8, index 1, threshold 1, count 1, payload 32 and
/// checksum 6. The reader takes hyphens and spaces anywhere between the digits, capital letters, and blanks
/// or a line break around the text; nothing else. It works byte by byte on secret memory, without a
/// table or a branch on a valid digit's value, and never traps: it is a fuzz target.
package enum ShareText {
  /// The value of the version field, and of the digit in the prefix.
  package static let version: UInt8 = 1
  /// The length of the checksum field, in bytes.
  package static let checksumLength = 6
  /// The longest text that is looked at, in bytes.
  package static let maximumLength = 256
  /// The length of the text that is written, in bytes.
  package static let length = 9 + digits + digits / group - 1

  static let prefix = Array("kwshare".utf8)
  static let header = 12
  static let decoded = header + ShareSet.secretLength + checksumLength
  static let digits = decoded * 8 / 5
  static let group = 5

  /// Reads a share.
  ///
  /// - Throws: `malformedShare` with the place, `unsupportedVersion`, `shareChecksumMismatch`.
  package static func parse(_ text: borrowing SecretBytes) throws(KeyringError) -> Share {
    var bytes = try crypto { () throws(CryptoError) in try SecretBytes(count: decoded) }
    try text.withUnsafeBytes { (text) throws(KeyringError) in
      try bytes.withUnsafeMutableBytes { (bytes) throws(KeyringError) in
        try decode(text, into: bytes)
      }
    }
    return try share(of: bytes)
  }

  /// Writes a share.
  package static func emit(_ share: Share) throws(KeyringError) -> SecretBytes {
    let checksum = try share.checksum()
    var bytes = try crypto { () throws(CryptoError) in try SecretBytes(count: decoded) }
    var text = try crypto { () throws(CryptoError) in try SecretBytes(count: length) }
    bytes.withUnsafeMutableBytes { bytes in
      bytes[0] = version
      for (offset, byte) in share.set.id.bytes.enumerated() { bytes[1 + offset] = byte }
      bytes[9] = share.index
      bytes[10] = share.set.threshold
      bytes[11] = share.set.count
      share.payload.bytes.withUnsafeBytes { payload in
        for (offset, byte) in payload.enumerated() { bytes[header + offset] = byte }
      }
      for (offset, byte) in checksum.enumerated() {
        bytes[header + ShareSet.secretLength + offset] = byte
      }
      text.withUnsafeMutableBytes { encode(UnsafeRawBufferPointer(bytes), into: $0) }
    }
    return text
  }

  // MARK: - Fields

  private static func share(of bytes: borrowing SecretBytes) throws(KeyringError) -> Share {
    let (fields, stated): ([UInt8], [UInt8]) = bytes.withUnsafeBytes { bytes in
      (Array(bytes.prefix(header)), Array(bytes.suffix(checksumLength)))
    }
    guard fields[0] == version else { throw .unsupportedVersion("The share") }
    let payload: SecretBytes
    do {
      payload = try SecretBytes(copying: bytes, range: header..<header + ShareSet.secretLength)
    } catch {
      throw .crypto(error)
    }
    // A typing mistake can hit the parameters as well, and then the checksum is the better answer
    // than "threshold 7 of 3": so parameters that cannot be are told as a failed checksum too.
    guard let id = ShareSetID(Array(fields[1..<9])),
      let set = try? ShareSet(id: id, threshold: Int(fields[10]), count: Int(fields[11])),
      let share = try? Share(set: set, index: Int(fields[9]), payload: SecretBox(payload))
    else { throw .shareChecksumMismatch }
    guard constantTimeEquals(try share.checksum(), stated) else { throw .shareChecksumMismatch }
    return share
  }

  // MARK: - Base32

  private static func decode(
    _ text: UnsafeRawBufferPointer,
    into bytes: UnsafeMutableRawBufferPointer
  ) throws(KeyringError) {
    guard text.count <= maximumLength else {
      throw .malformedShare(position: maximumLength + 1, reason: "the text is too long")
    }
    var end = text.count
    while end > 0, isBlank(text[end - 1]) { end -= 1 }
    var position = 0
    while position < end, isBlank(text[position]) { position += 1 }
    try expectPrefix(text, position: &position, end: end)

    var count = 0
    var buffer: UInt32 = 0
    var bits: UInt32 = 0
    while position < end {
      let character = text[position]
      if character == UInt8(ascii: "-") || character == UInt8(ascii: " ") {
        position += 1
        continue
      }
      let value = ShareDigit.value(of: character)
      guard value >= 0 else {
        throw .malformedShare(
          position: position + 1,
          reason: "only the letters a to z and the digits 2 to 7 occur"
        )
      }
      guard count < digits else {
        throw .malformedShare(position: position + 1, reason: "more than \(digits) characters")
      }
      buffer = (buffer &<< 5 | UInt32(truncatingIfNeeded: value)) & 0xfff
      bits += 5
      count += 1
      position += 1
      guard bits >= 8 else { continue }
      bits -= 8
      bytes[count * 5 / 8 - 1] = UInt8(truncatingIfNeeded: buffer &>> bits)
    }
    guard count == digits else {
      throw .malformedShare(
        position: end + 1,
        reason: "it ends after \(count) of \(digits) characters"
      )
    }
  }

  /// Takes `kwshare1-`, in any case; another number there is a newer format.
  private static func expectPrefix(
    _ text: UnsafeRawBufferPointer,
    position: inout Int,
    end: Int
  ) throws(KeyringError) {
    for expected in prefix {
      guard position < end, text[position] | 0x20 == expected else {
        throw .malformedShare(position: position + 1, reason: "it does not start with kwshare1-")
      }
      position += 1
    }
    guard position < end, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) else {
      throw .malformedShare(position: position + 1, reason: "it does not start with kwshare1-")
    }
    guard text[position] == UInt8(ascii: "1") else { throw .unsupportedVersion("The share") }
    position += 1
    guard position < end, text[position] == UInt8(ascii: "-") else {
      throw .malformedShare(position: position + 1, reason: "a hyphen belongs after kwshare1")
    }
    position += 1
  }

  private static func encode(
    _ bytes: UnsafeRawBufferPointer,
    into text: UnsafeMutableRawBufferPointer
  ) {
    var position = 0
    for byte in prefix + [UInt8(ascii: "0") + version, UInt8(ascii: "-")] {
      text[position] = byte
      position += 1
    }
    for count in 0..<digits {
      if count > 0, count.isMultiple(of: group) {
        text[position] = UInt8(ascii: "-")
        position += 1
      }
      let first = count * 5 / 8
      let next = first + 1 < bytes.count ? bytes[first + 1] : 0
      let pair = UInt16(bytes[first]) &<< 8 | UInt16(next)
      text[position] = ShareDigit.character(of: Int16(pair &>> UInt16(11 - count * 5 % 8) & 31))
      position += 1
    }
  }

  private static func isBlank(_ character: UInt8) -> Bool {
    character == 0x20 || character == 0x0a || character == 0x0d || character == 0x09
  }
}
