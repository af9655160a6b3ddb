/// The name of a key: a path of segments, such as `etcd/prod-eu`.
///
/// 1 to 200 bytes; segments of 1 to 64 of the characters `a-z A-Z 0-9 . _ -`, joined by `/`, at
/// most 8 of them; a segment does not begin with `.` or `-`, so `.` and `..` cannot be spelled.
/// There is one spelling of each name, so that the name that was authorized is the name that is
/// opened.
package struct KeyName: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Why a text is no key name; `position` counts bytes from 0.
  package struct Invalid: Error, Equatable, Sendable {
    package let position: Int
    package let reason: String
  }

  package let description: String

  /// Parses `text`, or says at which byte it stops being a name.
  package init(_ text: String) throws(Invalid) {
    var segment = 0
    var segments = 1
    var position = 0
    guard !text.isEmpty else { throw Invalid(position: 0, reason: "is empty") }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "/"):
        guard segment > 0 else { throw Invalid(position: position, reason: "has an empty segment") }
        segment = 0
        segments += 1
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        segment += 1
      case UInt8(ascii: "."), UInt8(ascii: "-"):
        guard segment > 0 else {
          throw Invalid(position: position, reason: "has a segment that begins with '.' or '-'")
        }
        segment += 1
      default:
        throw Invalid(
          position: position,
          reason: "may hold only a-z, A-Z, 0-9, '.', '_', '-' and '/'"
        )
      }
      guard segment <= 64 else {
        throw Invalid(position: position, reason: "has a segment longer than 64 characters")
      }
      position += 1
    }
    guard segment > 0 else { throw Invalid(position: position, reason: "ends with '/'") }
    guard segments <= 8 else {
      throw Invalid(position: position, reason: "has more than 8 segments")
    }
    guard position <= 200 else {
      throw Invalid(position: position, reason: "is longer than 200 characters")
    }
    description = text
  }

  package static func < (left: KeyName, right: KeyName) -> Bool {
    left.description < right.description
  }
}
