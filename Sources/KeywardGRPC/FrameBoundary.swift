/// Finds where whole HTTP/2 frames end in a stream of bytes, without reading their content.
///
/// Source: RFC 9113 §4.1 (frame header), §3.4 (connection preface).
struct FrameBoundary {
  private static let headerLength = 9
  private static let prefaceLength = 24
  /// SETTINGS_MAX_FRAME_SIZE as nobody here raises it (RFC 9113 §6.5.2).
  private static let largestPayload = 16_384
  private static let endHeaders: UInt8 = 0x4

  private var awaitsPreface: Bool
  private var isInHeaderBlock = false
  private var isBroken = false

  /// - Parameter awaitsPreface: true on a server, whose peer begins with 24 bytes of preface.
  init(awaitsPreface: Bool) {
    self.awaitsPreface = awaitsPreface
  }

  /// Whether the peer still owes the preface or the end of a header block.
  var isMidway: Bool { awaitsPreface || isInHeaderBlock }

  /// The count of leading bytes that end with a whole frame; those bytes are then accounted for.
  ///
  /// A frame that is too large makes everything pass: the HTTP/2 parser refuses it.
  mutating func advance(over bytes: UnsafeRawBufferPointer) -> Int {
    if isBroken { return bytes.count }
    var position = 0
    if awaitsPreface {
      guard bytes.count >= Self.prefaceLength else { return 0 }
      awaitsPreface = false
      position = Self.prefaceLength
    }
    while bytes.count - position >= Self.headerLength {
      let length =
        Int(bytes[position]) << 16 | Int(bytes[position + 1]) << 8 | Int(bytes[position + 2])
      guard length <= Self.largestPayload else {
        isBroken = true
        return bytes.count
      }
      guard bytes.count - position - Self.headerLength >= length else { break }
      note(type: bytes[position + 3], flags: bytes[position + 4])
      position += Self.headerLength + length
    }
    return position
  }

  private mutating func note(type: UInt8, flags: UInt8) {
    switch type {
    case 0x1, 0x5, 0x9: isInHeaderBlock = flags & Self.endHeaders == 0
    default: ()
    }
  }
}
