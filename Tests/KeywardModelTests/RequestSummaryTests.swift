import KeywardModel
import Testing

/// What an approver reads of a request's query.
@Suite
struct RequestSummaryTests {
  @Test
  func aValueCannotLookLikeAParameter() {
    #expect(RequestSummary.value("once:a/b.c-d_e,f") == "once:a/b.c-d_e,f")
    #expect(
      RequestSummary.value("x&never_exportable=true") == "x%26never_exportable%3Dtrue"
    )
    #expect(RequestSummary.value("a b%20[cut]\u{e9}\n") == "a%20b%2520%5Bcut%5D%C3%A9%0A")
  }

  @Test
  func aLongValueSaysThatItIsCut() {
    #expect(RequestSummary.value(String(repeating: "a", count: 200)).utf8.count == 200)
    let text = RequestSummary.value(String(repeating: "a", count: 4096))
    #expect(text == String(repeating: "a", count: 200) + "[cut, 4096 bytes]")
  }
}
