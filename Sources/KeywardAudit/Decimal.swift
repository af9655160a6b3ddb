/// Decimal numbers without sign or leading zeroes.
enum Decimal {
  static func value(_ text: ArraySlice<UInt8>) -> UInt64? {
    guard let first = text.first, text.count <= 20, text.count == 1 || first != UInt8(ascii: "0")
    else { return nil }
    var value: UInt64 = 0
    for byte in text {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      value = sum
    }
    return value
  }
}
