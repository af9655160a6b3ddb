package import KeywardModel

/// Points in time as providers write them.
package enum ProviderTime {
  /// The years 0000 to 9999, since RFC 3339 has no others to show a moment in.
  private static let years =
    Timestamp(milliseconds: -62_167_219_200_000)...Timestamp(milliseconds: 253_402_300_799_999)

  /// Seconds since 1970, also with a fraction; or RFC 3339 with any fraction and offset.
  package static func parse(_ value: JSONValue) -> Timestamp? {
    switch value {
    case .number(let digits): seconds(digits)
    case .string(let text): parse(text)
    default: nil
    }
  }

  private static func seconds(_ digits: String) -> Timestamp? {
    guard let seconds = Double(digits), (0...4e11).contains(seconds) else { return nil }
    let moment = Timestamp(milliseconds: Int64(seconds * 1000))
    return years.contains(moment) ? moment : nil
  }

  package static func parse(_ text: String) -> Timestamp? {
    var bytes = Array(text.utf8)
    guard (20...40).contains(bytes.count) else { return nil }
    var offset: Int64 = 0
    if bytes.last == UInt8(ascii: "Z") {
      bytes.removeLast()
    } else {
      let zone = bytes.suffix(6)
      guard let found = minutes(Array(zone)) else { return nil }
      offset = found
      bytes.removeLast(6)
    }
    guard bytes.count >= 19 else { return nil }
    var fraction = bytes[19...]
    guard fraction.isEmpty || (fraction.first == UInt8(ascii: ".") && fraction.count > 1),
      fraction.dropFirst().allSatisfy({ (48...57).contains($0) })
    else { return nil }
    fraction = fraction.prefix(4)
    let utc = String(decoding: bytes[..<19] + fraction + [UInt8(ascii: "Z")], as: UTF8.self)
    let moment = Timestamp(rfc3339: utc)?.adding(seconds: -offset * 60)
    return moment.flatMap { years.contains($0) ? $0 : nil }
  }

  /// The minutes of `+01:30`.
  private static func minutes(_ zone: [UInt8]) -> Int64? {
    guard zone.count == 6, zone[3] == UInt8(ascii: ":"),
      zone[0] == UInt8(ascii: "+") || zone[0] == UInt8(ascii: "-"),
      [zone[1], zone[2], zone[4], zone[5]].allSatisfy({ (48...57).contains($0) })
    else { return nil }
    let hours = Int64(zone[1] - 48) * 10 + Int64(zone[2] - 48)
    let minutes = Int64(zone[4] - 48) * 10 + Int64(zone[5] - 48)
    guard hours < 24, minutes < 60 else { return nil }
    return (hours * 60 + minutes) * (zone[0] == UInt8(ascii: "-") ? -1 : 1)
  }
}
