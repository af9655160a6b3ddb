import KeywardExport
import KeywardModel
import Testing

/// Points in time as providers write them, up to the ends of what can be shown again.
@Suite
struct ProviderTimeTests {
  @Test(arguments: [
    ("1795000000", "2026-11-18T11:06:40.000Z"), ("1795000000.25", "2026-11-18T11:06:40.250Z"),
    ("253402300799.999", "9999-12-31T23:59:59.999Z"), ("0", "1970-01-01T00:00:00.000Z"),
  ])
  func seconds(_ digits: String, _ moment: String) throws {
    #expect(ProviderTime.parse(.number(digits))?.rfc3339 == moment)
  }

  @Test(arguments: ["253402300800", "400000000000", "-1", "1e300", "x"])
  func secondsThatNoDateHas(_ digits: String) {
    #expect(ProviderTime.parse(.number(digits)) == nil)
  }

  @Test(arguments: [
    ("2026-11-18T09:06:40Z", "2026-11-18T09:06:40.000Z"),
    ("2026-11-18T09:06:40.123456789+01:30", "2026-11-18T07:36:40.123Z"),
    ("9999-12-31T23:59:59+00:01", "9999-12-31T23:58:59.000Z"),
  ])
  func texts(_ text: String, _ moment: String) throws {
    #expect(ProviderTime.parse(text)?.rfc3339 == moment)
  }

  @Test(arguments: [
    "9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01", "2026-11-18T09:06:40",
    "2026-13-18T09:06:40Z", "2026-11-18T09:06:40.Z", "2026-11-18T09:06:40+24:00",
  ])
  func textsThatAreNoMoment(_ text: String) {
    #expect(ProviderTime.parse(text) == nil)
  }
}
