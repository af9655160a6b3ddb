import NIOCore

/// The `grpc-timeout` header: one to eight digits and a unit.
///
/// Source: grpc/doc/PROTOCOL-HTTP2.md, "Timeout".
enum GRPCTimeout {
  /// Parses a header value; nil when it is malformed.
  ///
  /// Values past a hundred days are cut to that, so that adding one to a clock cannot overflow.
  static func parse(_ text: String) -> TimeAmount? {
    let bytes = text.utf8
    guard (2...9).contains(bytes.count), let unit = bytes.last else { return nil }
    var value: Int64 = 0
    for digit in bytes.dropLast() {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      value = value * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    let nanoseconds: Int64
    switch unit {
    case UInt8(ascii: "n"): nanoseconds = 1
    case UInt8(ascii: "u"): nanoseconds = 1000
    case UInt8(ascii: "m"): nanoseconds = 1_000_000
    case UInt8(ascii: "S"): nanoseconds = 1_000_000_000
    case UInt8(ascii: "M"): nanoseconds = 60_000_000_000
    case UInt8(ascii: "H"): nanoseconds = 3_600_000_000_000
    default: return nil
    }
    let (product, overflow) = value.multipliedReportingOverflow(by: nanoseconds)
    return .nanoseconds(overflow ? longest : min(product, longest))
  }

  /// Writes a header value, rounded up to the unit that fits eight digits.
  static func format(_ timeout: TimeAmount) -> String {
    var value = max(timeout.nanoseconds, 0)
    for (unit, factor) in [("n", 1000), ("u", 1000), ("m", 1000), ("S", 60), ("M", 60)] {
      if value <= 99_999_999 { return "\(value)\(unit)" }
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: Int64(factor))
      value = quotient + (remainder == 0 ? 0 : 1)
    }
    return "\(min(value, 99_999_999))H"
  }

  private static let longest: Int64 = 100 * 24 * 3_600_000_000_000
}
