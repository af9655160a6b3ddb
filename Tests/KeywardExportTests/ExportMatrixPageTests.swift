import Foundation
import KeywardModel
import Testing

@testable import KeywardExport

/// docs/key-export/matrix.md says what the rules say, and leaves no cell open.
@Suite
struct ExportMatrixPageTests {
  @Test("The page is current; KEYWARD_WRITE=1 writes it")
  func page() throws {
    let url = ExportOracle.tests.deletingLastPathComponent()
      .appendingPathComponent("docs/key-export/matrix.md")
    if ProcessInfo.processInfo.environment["KEYWARD_WRITE"] != nil {
      try RulesPage.text.write(to: url, atomically: true, encoding: .utf8)
    }
    let isCurrent = try String(contentsOf: url, encoding: .utf8) == RulesPage.text
    #expect(isCurrent, "Run this test with KEYWARD_WRITE=1 and commit the page.")
  }

  @Test(
    "The table predicts the answer to every question about a provider",
    arguments: ExportProvider.allCases
  )
  func complete(_ provider: ExportProvider) {
    let table = RulesTable(provider)
    let rules = ProviderRules.of(provider)
    let specs = rules.specs.map(\.name) + rules.barredSpecs.map(\.name) + ["NO_SUCH_SPEC"]
    // The edges of each length that a spec names.
    let edges = Set(
      rules.specs.flatMap { $0.lengths.flatMap { [$0.lowerBound, $0.upperBound] } }
        .flatMap { [$0 - 1, $0, $0 + 1] }
    )
    var asked = 0
    var allowed = 0
    for type in KeyType.allCases {
      let own = type.importedByteCounts
      let lengths: [Int?] = own.map { own in edges.filter(own.contains).sorted() } ?? [nil]
      for length in lengths {
        let subject = ExportSubject(type, byteCount: length)
        for spec in specs {
          for wrapping in WrappingAlgorithm.allCases {
            for bits in [1024, 2048, 3072, 4096, 8192] {
              let answer = RulesTable.answer(provider, subject, spec, wrapping, bits)
              let predicted = table.answer(subject, spec, wrapping, bits)
              asked += 1
              if answer == RulesTable.allowed { allowed += 1 }
              let isSame = answer == predicted
              #expect(isSame, "\(subject) \(spec) \(wrapping) \(bits): \(answer), \(predicted)")
            }
          }
        }
      }
    }
    #expect(allowed > 0 && asked > allowed * 10)
  }
}
