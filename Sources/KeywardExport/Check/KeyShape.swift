import KeywardCrypto
import KeywardModel

/// The outer form of a private or public key, told from its first elements; values are not read.
enum KeyShape: Equatable {
  case pkcs8
  case pkcs1
  case sec1
  case encrypted
  case publicKey
  /// Text, with the label of its first block.
  case pem(String)

  /// The form of the bytes, or of those that they stand for in base64.
  static func recognize(_ file: borrowing SecretBytes) -> KeyShape? {
    file.withUnsafeBytes { recognize($0) ?? inText($0) }
  }

  static func recognize(_ bytes: UnsafeRawBufferPointer) -> KeyShape? {
    if bytes.starts(with: "-----BEGIN ".utf8) { return .pem(label(bytes)) }
    guard let outer = DERElement(bytes, at: 0), outer.tag == 0x30,
      let first = DERElement(bytes, at: outer.start),
      let second = DERElement(bytes, at: first.end)
    else { return nil }
    switch (first.tag, second.tag) {
    case (0x02, 0x30) where first.count == 1: return .pkcs8
    case (0x02, 0x02) where first.count == 1: return .pkcs1
    case (0x02, 0x04) where first.count == 1: return .sec1
    case (0x30, 0x04): return .encrypted
    case (0x30, 0x03): return .publicKey
    default: return nil
    }
  }

  /// The same of the bytes that base64 stands for, by its first letters.
  private static func inText(_ bytes: UnsafeRawBufferPointer) -> KeyShape? {
    guard bytes.count >= 64, TextForm(bytes)?.alphabet == .base64,
      let head = Base64.decode(String(decoding: bytes.prefix(24), as: UTF8.self))
    else { return nil }
    return head.withUnsafeBytes { recognize($0) }
  }

  private static func label(_ bytes: UnsafeRawBufferPointer) -> String {
    let label = bytes.dropFirst(11).prefix(40).prefix { $0 != UInt8(ascii: "-") }
    let isPlain = label.allSatisfy { (0x20..<0x7f).contains($0) }
    return isPlain ? String(decoding: label, as: UTF8.self) : ""
  }
}

/// One element of DER: where its content is.
///
/// The content may go on after the bytes that are there.
struct DERElement {
  let tag: UInt8
  let start: Int
  let count: Int

  var end: Int { start + count }

  /// Nil unless a tag of one byte and a definite length in its shortest form stand there.
  init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    guard offset >= 0, offset + 2 <= bytes.count else { return nil }
    tag = bytes[offset]
    let short = bytes[offset + 1]
    guard tag & 0x1f != 0x1f else { return nil }
    guard short >= 0x80 else {
      start = offset + 2
      count = Int(short)
      return
    }
    let width = Int(short & 0x7f)
    guard (1...2).contains(width), offset + 2 + width <= bytes.count else { return nil }
    var length = 0
    for byte in bytes[(offset + 2)..<(offset + 2 + width)] { length = length << 8 | Int(byte) }
    guard length >= (width == 1 ? 0x80 : 0x100) else { return nil }
    start = offset + 2 + width
    count = length
  }

  func holds(_ content: [UInt8], in bytes: UnsafeRawBufferPointer) -> Bool {
    end <= bytes.count && bytes[start..<end].elementsEqual(content)
  }
}
