/// A kind of text field: how long it may be and how foreign characters are treated.
///
/// Escaped text holds only printable ASCII without `"` and `\`, so JSON needs no escapes and a
/// terminal that prints it cannot be driven by it. Every other byte, and `%`, is `%XX`; text that
/// was cut ends with `%~`, which no escape can produce.
struct AuditText: Sendable {
  /// What may stand in the field.
  enum Alphabet: Sendable {
    /// Printable ASCII; the rest is percent-encoded.
    case printable
    /// `[A-Za-z0-9:._-]`; the rest becomes `_`.
    case code
  }

  /// The most bytes the field takes in an entry.
  let limit: Int
  let alphabet: Alphabet

  static let request = AuditText(limit: 64, alphabet: .printable)
  static let principal = AuditText(limit: 256, alphabet: .printable)
  /// Issuers, clusters, environments, names of claims, accessors.
  static let attribute = AuditText(limit: 64, alphabet: .printable)
  static let claim = AuditText(limit: 128, alphabet: .printable)
  static let code = AuditText(limit: 64, alphabet: .code)
  static let resource = AuditText(limit: 512, alphabet: .printable)
  static let keyID = AuditText(limit: 64, alphabet: .printable)
  static let kmsUID = AuditText(limit: 128, alphabet: .printable)
  static let rule = AuditText(limit: 256, alphabet: .printable)

  /// The text as the field holds it; an empty one becomes `-`.
  func bounded(_ text: String) -> String {
    let bytes = text.utf8.span
    guard !bytes.isEmpty else { return "-" }
    guard bytes.count <= limit else { return escaped(text) }
    for index in bytes.indices where !isPlain(bytes[index]) { return escaped(text) }
    return text
  }

  /// The text that the field was made from; nil if it was cut or cannot have been one of text.
  static func original(_ field: String) -> String? {
    guard field.utf8.contains(UInt8(ascii: "%")) else { return field }
    var bytes: [UInt8] = []
    var rest = field.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Whether the bytes are what ``bounded(_:)`` can produce.
  func accepts(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard !bytes.isEmpty, bytes.count <= limit else { return false }
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let byte = bytes[index]
      if isPlain(byte) {
        index += 1
        continue
      }
      guard alphabet == .printable, byte == UInt8(ascii: "%"), index + 1 < bytes.endIndex else {
        return false
      }
      if bytes[index + 1] == UInt8(ascii: "~") { return index + 2 == bytes.endIndex }
      guard index + 2 < bytes.endIndex, let high = Self.digit(bytes[index + 1]),
        let low = Self.digit(bytes[index + 2]), !isPlain(high << 4 | low)
      else { return false }
      index += 3
    }
    return true
  }

  private func isPlain(_ byte: UInt8) -> Bool {
    switch alphabet {
    case .printable:
      byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
        && byte != UInt8(ascii: "%")
    case .code:
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default:
        false
      }
    }
  }

  private func escaped(_ text: String) -> String {
    var out: [UInt8] = []
    out.reserveCapacity(limit)
    // The longest prefix of whole escapes that still leaves room for the cut mark.
    var cut = 0
    for byte in text.utf8 {
      if out.count <= limit - 2 { cut = out.count }
      if isPlain(byte) {
        out.append(byte)
      } else if alphabet == .code {
        out.append(UInt8(ascii: "_"))
      } else {
        out.append(UInt8(ascii: "%"))
        out.append(Self.digits[Int(byte >> 4)])
        out.append(Self.digits[Int(byte & 15)])
      }
      if out.count > limit {
        let mark: [UInt8] = alphabet == .code ? [] : Array("%~".utf8)
        let kept = alphabet == .code ? limit : cut
        return String(decoding: out.prefix(kept) + mark, as: UTF8.self)
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// Numbers of an entry: below 2^53, so that every JSON reader takes them exactly.
enum AuditNumber {
  static let maximum: UInt64 = 1 << 53 - 1

  static func clamped(_ number: UInt64) -> UInt64 { min(number, maximum) }
}
