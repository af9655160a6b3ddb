import KeywardExport
import KeywardModel
import Testing

@Suite
struct ExportRulesTests {
  @Test("There are at least 60 allowed cells, each once")
  func cells() {
    let cells = ExportRules.allCells
    #expect(cells.count >= 60)
    #expect(Set(cells).count == cells.count)
  }
}
