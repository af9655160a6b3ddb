package import KeywardModel

/// The path and query of a request, in the one spelling that the server takes.
///
/// The path that is authorized is, byte for byte, the path that is acted on: no percent-encoding,
/// no `.` or `..`, no empty segment, nothing to normalize (Vault CVE-2026-3605).
package struct RequestTarget: Equatable {
  package let path: String
  let query: QueryValues

  package init(_ text: String) throws(ServiceError) {
    let bytes = Array(text.utf8)
    let split = bytes.firstIndex(of: UInt8(ascii: "?"))
    let pathBytes = bytes[..<(split ?? bytes.endIndex)]
    guard Self.isCanonical(pathBytes) else {
      throw ServiceError(
        .invalidRequest,
        "The path is not in its one canonical spelling.",
        remedy: "Use a-z, A-Z, 0-9, '.', '_', '-', ':' and single '/', without percent-encoding."
      )
    }
    path = String(decoding: pathBytes, as: UTF8.self)
    query = try QueryValues(split.map { bytes[($0 + 1)...] } ?? [])
  }

  private static func isCanonical(_ path: ArraySlice<UInt8>) -> Bool {
    guard path.first == UInt8(ascii: "/"), path.count <= 512 else { return false }
    guard path.count > 1 else { return true }
    for segment in path.dropFirst().split(
      separator: UInt8(ascii: "/"),
      omittingEmptySubsequences: false
    ) {
      guard !segment.isEmpty, segment.allSatisfy(isPathByte),
        !segment.allSatisfy({ $0 == UInt8(ascii: ".") })
      else { return false }
    }
    return true
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
