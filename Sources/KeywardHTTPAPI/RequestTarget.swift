package import KeywardModel

/// The path and query of a request, in the one spelling that the server takes.
///
/// The path that is authorized is, byte for byte, the path that is acted on: no percent-encoding,
/// no `.` or `..`, no empty segment, nothing to normalize (Vault CVE-2026-3605).
package struct RequestTarget: Equatable {
  package let path: String
  let query: QueryValues

  package init(_ text: String) throws(ServiceError) {
    let split = text.utf8.firstIndex(of: UInt8(ascii: "?"))
    guard Self.isCanonical(text.utf8[..<(split ?? text.endIndex)]) else {
      throw ServiceError(
        .invalidRequest,
        "The path is not in its one canonical spelling.",
        remedy: "Use a-z, A-Z, 0-9, '.', '_', '-', ':' and single '/', without percent-encoding."
      )
    }
    guard let split else {
      path = text
      query = try QueryValues([])
      return
    }
    path = String(text[..<split])
    query = try QueryValues(Array(text.utf8[split...])[1...])
  }

  private static func isCanonical(_ path: Substring.UTF8View) -> Bool {
    let slash = UInt8(ascii: "/")
    let count = path.count
    guard path.first == slash, count <= 512 else { return false }
    guard count > 1 else { return true }
    var length = 0
    var isDots = true
    for byte in path.dropFirst() {
      if byte == slash {
        guard length > 0, !isDots else { return false }
        length = 0
        isDots = true
      } else {
        guard isPathByte(byte) else { return false }
        length += 1
        isDots = isDots && byte == UInt8(ascii: ".")
      }
    }
    return length > 0 && !isDots
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "-"), UInt8(ascii: ":"):
      true
    default:
      false
    }
  }
}
