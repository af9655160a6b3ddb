import NIOHTTP1

/// The header fields that the pipeline reads, picked out in one pass; every other field is ignored.
///
/// A doubled field is refused and not chosen from.
struct HeaderFields {
  /// The lines of one field: the first, and how many there are.
  struct Lines {
    private(set) var first: String?
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    fileprivate mutating func append(_ line: String) {
      if first == nil { first = line }
      count += 1
    }
  }

  private(set) var hosts = 0
  private(set) var encodings = 0
  private(set) var lengths = Lines()
  private(set) var codings = Lines()
  private(set) var types = Lines()
  private(set) var expectations = Lines()
  private(set) var authorizations = Lines()
  private(set) var approvals = Lines()
  private(set) var idempotencyKeys = Lines()

  init(_ headers: HTTPHeaders) {
    for (name, value) in headers {
      // Most fields are told apart by their length already.
      switch name.utf8.count {
      case 4 where Self.isSame(name, "host"): hosts += 1
      case 6 where Self.isSame(name, "expect"): expectations.append(value)
      case 12 where Self.isSame(name, "content-type"): types.append(value)
      case 13 where Self.isSame(name, "authorization"): authorizations.append(value)
      case 14 where Self.isSame(name, "content-length"): lengths.append(value)
      case 15 where Self.isSame(name, "idempotency-key"): idempotencyKeys.append(value)
      case 16 where Self.isSame(name, "content-encoding"): encodings += 1
      case 16 where Self.isSame(name, "keyward-approval"): approvals.append(value)
      case 17 where Self.isSame(name, "transfer-encoding"): codings.append(value)
      default: break
      }
    }
  }

  private static func isSame(_ name: String, _ lowercased: StaticString) -> Bool {
    let known = UnsafeBufferPointer(
      start: lowercased.utf8Start,
      count: lowercased.utf8CodeUnitCount
    )
    return name.utf8.elementsEqual(known, by: isSameLetter)
  }

  /// Whether `byte`, in lower case where it is an ASCII letter, is `lowercased`.
  static func isSameLetter(_ byte: UInt8, _ lowercased: UInt8) -> Bool {
    let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    return (isUpper ? byte | 0x20 : byte) == lowercased
  }
}
