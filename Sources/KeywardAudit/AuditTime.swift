/// RFC 3339 times in UTC with milliseconds, `2026-11-23T12:00:00.123Z`, without a calendar library.
enum AuditTime {
  /// The last millisecond of the year 9999.
  static let maximum: UInt64 = 253_402_300_799_999

  static func clamped(_ milliseconds: UInt64) -> UInt64 { min(milliseconds, maximum) }

  /// Appends the 24 characters of a time that is at most ``maximum``.
  static func append(_ milliseconds: UInt64, to bytes: inout [UInt8]) {
    let time = clamped(milliseconds)
    let date = civil(day: time / 86_400_000)
    let rest = time % 86_400_000
    digits(date.year, 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    digits(date.month, 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    digits(date.day, 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    digits(rest / 3_600_000, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    digits(rest / 60_000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    digits(rest / 1000 % 60, 2, to: &bytes)
    bytes.append(UInt8(ascii: "."))
    digits(rest % 1000, 3, to: &bytes)
    bytes.append(UInt8(ascii: "Z"))
  }

  /// The milliseconds of exactly the form that ``append(_:to:)`` writes; `nil` for any other.
  static func parse(_ text: ArraySlice<UInt8>) -> UInt64? {
    let bytes = Array(text)
    guard bytes.count == 24, let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
      let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]),
      let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
      let fraction = number(bytes[20..<23]), year >= 1970, (1...12).contains(month),
      (1...31).contains(day), hour < 24, minute < 60, second < 60
    else { return nil }
    let seconds = days(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60
    let time = (seconds + second) * 1000 + fraction
    // Writing it again settles the separators and days that the month does not have.
    var again: [UInt8] = []
    append(time, to: &again)
    return again == bytes ? time : nil
  }

  /// The date of a day counted from 1970-01-01, by the era method (400 years are 146,097 days).
  private static func civil(day: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func days(year: UInt64, month: UInt64, day: UInt64) -> UInt64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear % 400
    let shiftedMonth = month > 2 ? month - 3 : month + 9
    let dayOfYear = (153 * shiftedMonth + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func digits(_ number: UInt64, _ count: Int, to bytes: inout [UInt8]) {
    var divisor: UInt64 = count == 4 ? 1000 : count == 3 ? 100 : 10
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
      divisor /= 10
    }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for byte in bytes {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + UInt64(byte - UInt8(ascii: "0"))
    }
    return value
  }
}
