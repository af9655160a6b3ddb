/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Hashable, Comparable, Sendable {
  package let milliseconds: Int64

  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// This moment and `seconds` more, held at the ends of the range instead of overflowing.
  package func adding(seconds: Int64) -> Timestamp {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    guard !overflow else { return Timestamp(milliseconds: seconds < 0 ? .min : .max) }
    let (sum, overflowed) = milliseconds.addingReportingOverflow(product)
    return Timestamp(milliseconds: overflowed ? (product < 0 ? .min : .max) : sum)
  }

  /// RFC 3339 text with milliseconds, as `2026-11-23T12:00:00.000Z`.
  ///
  /// Days become a date by the proleptic Gregorian calendar; moments outside the years 0000 to
  /// 9999 are held at its ends, since RFC 3339 has no others.
  package var rfc3339: String {
    let bounded = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999)
    let days = Int((bounded - (bounded % 86_400_000 + 86_400_000) % 86_400_000) / 86_400_000)
    let ofDay = Int((bounded % 86_400_000 + 86_400_000) % 86_400_000)
    let (year, month, day) = Timestamp.civil(days: days)
    var text: [UInt8] = []
    text.reserveCapacity(24)
    func put(_ number: Int, _ digits: Int) {
      var divisor = 1
      for _ in 1..<digits { divisor *= 10 }
      while divisor > 0 {
        text.append(UInt8(48 + number / divisor % 10))
        divisor /= 10
      }
    }
    put(year, 4)
    text.append(UInt8(ascii: "-"))
    put(month, 2)
    text.append(UInt8(ascii: "-"))
    put(day, 2)
    text.append(UInt8(ascii: "T"))
    put(ofDay / 3_600_000, 2)
    text.append(UInt8(ascii: ":"))
    put(ofDay / 60_000 % 60, 2)
    text.append(UInt8(ascii: ":"))
    put(ofDay / 1000 % 60, 2)
    text.append(UInt8(ascii: "."))
    put(ofDay % 1000, 3)
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// Year, month and day of a day number counted from 1970-01-01.
  private static func civil(days: Int) -> (Int, Int, Int) {
    // Years start in March here, so that the leap day is a year's last and needs no special case.
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}
