/// The words by which a request is shown to who has to approve it.
package enum RequestSummary {
  /// The most bytes of a value that are shown, about.
  private static let longest = 200

  /// A value of the query: percent-encoded, so that it cannot look like another parameter, and cut
  /// where it is long, so that it cannot push one out of sight.
  package static func value(_ value: String) -> String {
    var text: [UInt8] = []
    for byte in value.utf8 {
      guard text.count < longest else {
        return String(decoding: text, as: UTF8.self) + "[cut, \(value.utf8.count) bytes]"
      }
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: ","):
        text.append(byte)
      default:
        text += [UInt8(ascii: "%")] + Hex.encode([byte]).uppercased().utf8
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
