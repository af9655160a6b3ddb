import KeywardModel

/// Builds the path and query of a request in the spelling that the server takes.
struct Query {
  private var text: String

  init(_ path: String) {
    text = path
  }

  var target: String { text }

  private var separator: String { text.utf8.contains(UInt8(ascii: "?")) ? "&" : "?" }

  func adding(_ name: String, _ value: String?) -> Query {
    guard let value else { return self }
    var copy = self
    copy.text += "\(separator)\(name)=\(Self.encoded(value))"
    return copy
  }

  func adding(_ name: String, _ value: (some BinaryInteger)?) -> Query {
    adding(name, value.map { "\($0)" })
  }

  /// Adds `name=true`; false is the absence.
  func adding(_ name: String, _ value: Bool) -> Query {
    adding(name, value ? "true" : nil)
  }

  /// Adds base64url; empty bytes are the absence.
  func adding(_ name: String, _ value: [UInt8]) -> Query {
    adding(name, value.isEmpty ? nil : Base64.encodeURL(value))
  }

  /// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
  private static func encoded(_ value: String) -> String {
    var text = ""
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        text += "%" + Hex.encode([byte])
      }
    }
    return text
  }
}
