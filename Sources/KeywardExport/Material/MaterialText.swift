package import KeywardCrypto

/// Recognizes text where the bytes of a key belong.
package enum MaterialText {
  package enum Kind: String, Sendable {
    case hex
    case base64
  }

  /// What the whole secret is written in, if it is text.
  ///
  /// Random bytes look like base64 with a chance below 2^-47 (24 bytes, the shortest that is judged)
  /// and like hexadecimal below 2^-56 (16 bytes). One line break at the end counts as text.
  package static func kind(of material: borrowing SecretBytes) -> Kind? {
    material.withUnsafeBytes { kind(of: $0) }
  }

  static func kind(of material: UnsafeRawBufferPointer) -> Kind? {
    var end = material.count
    while end > 0, material[end - 1] == 0x0a || material[end - 1] == 0x0d { end -= 1 }
    let text = UnsafeRawBufferPointer(rebasing: material[..<end])
    if text.count >= 16, text.count % 2 == 0, text.allSatisfy(isHex) { return .hex }
    guard text.count >= 24 else { return nil }
    var padding = 0
    while padding < 2, text[text.count - 1 - padding] == UInt8(ascii: "=") { padding += 1 }
    return text.dropLast(padding).allSatisfy(isBase64) ? .base64 : nil
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...70, 97...102: true
    default: false
    }
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
