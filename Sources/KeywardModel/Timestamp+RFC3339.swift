extension Timestamp {
  /// Parses RFC 3339 in UTC: `2027-01-31T18:00:00Z`, with up to three digits of a second's fraction.
  ///
  /// Upper-case `T` and `Z` only, no leap second, and the date must exist.
  package init?(rfc3339 text: String) {
    let bytes = Array(text.utf8)
    guard (20...24).contains(bytes.count), bytes.count != 21, bytes.last == UInt8(ascii: "Z") else {
      return nil
    }
    func number(_ range: Range<Int>) -> Int64? {
      var value: Int64 = 0
      for byte in bytes[range] {
        guard (48...57).contains(byte) else { return nil }
        value = value * 10 + Int64(byte - 48)
      }
      return value
    }
    let separators: [(Int, Character)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
    guard separators.allSatisfy({ Character(UnicodeScalar(bytes[$0.0])) == $0.1 }),
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      (1...12).contains(month), hour < 24, minute < 60, second < 60
    else { return nil }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard day >= 1, day <= lengths[Int(month) - 1] else { return nil }
    var milliseconds: Int64 = 0
    if bytes.count > 20 {
      guard bytes[19] == UInt8(ascii: "."), let fraction = number(20..<bytes.count - 1) else {
        return nil
      }
      milliseconds =
        bytes.count == 22 ? fraction * 100 : bytes.count == 23 ? fraction * 10 : fraction
    }
    // Days by a year that begins in March: its leap day is its last.
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    self.init(
      milliseconds: ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + milliseconds
    )
  }
}
