import KeywardModel
import Testing

@Suite
struct TimestampTests {
  /// Moments checked against `date -u -d @SECONDS`.
  @Test(
    "RFC 3339 text",
    arguments: [
      (Int64(0), "1970-01-01T00:00:00.000Z"),
      (-1, "1969-12-31T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (1_709_210_096_789, "2024-02-29T12:34:56.789Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
      (.max, "9999-12-31T23:59:59.999Z"),
    ]
  )
  func text(milliseconds: Int64, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).rfc3339 == text)
  }

  @Test("Addition stops at the ends of the range")
  func saturates() {
    #expect(Timestamp(milliseconds: 1).adding(seconds: .max).milliseconds == .max)
    #expect(Timestamp(milliseconds: -1).adding(seconds: .min).milliseconds == .min)
    #expect(Timestamp(milliseconds: 5).adding(seconds: 2).milliseconds == 2005)
  }
}
