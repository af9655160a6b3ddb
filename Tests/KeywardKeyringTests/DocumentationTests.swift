import Foundation
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

/// The vectors and figures of docs/formats and docs/key-hierarchy.md are those of the code.
@Suite
struct DocumentationTests {
  private func page(_ path: String) throws -> String {
    let docs = Oracle.tests.deletingLastPathComponent().appending(path: "docs")
    return try String(contentsOf: docs.appending(path: path), encoding: .utf8)
  }

  @Test
  func theEnvelopeOfThePageIsTheVector() throws {
    let page = try page("formats/envelope.md")
    let vector = try #require(
      EnvelopeVector.all.first { $0.name == "success-aes-256-ctr.txt" }
    )
    for field in ["key", "plaintext", "store", "key_id", "context"] {
      #expect(page.contains(try #require(vector.fields[field])), "\(field)")
    }
    let text = Hex.encode(vector.envelope)
    for start in stride(from: 0, to: text.count, by: 64) {
      #expect(page.contains(text.dropFirst(start).prefix(64)))
    }
    #expect(page.contains("The overhead is \(Envelope.overhead) bytes"))
    #expect(Envelope.maximumPlaintext == 67_108_864 && page.contains("67,108,864 bytes"))
    for suite in EnvelopeSuite.allCases { #expect(page.contains("`0x0\(suite.rawValue)`")) }
  }

  @Test
  func anyTwoSharesOfThePageCombine() throws {
    let lines = try page("formats/shares.md").split(separator: "\n").map { String($0) }
    let texts = lines.filter { $0.hasPrefix("kwshare1-") }.suffix(3)
    let shares = try texts.map { try Fixtures.parse($0) }
    #expect(shares.map { $0.index } == [1, 2, 3])
    for (first, second) in [(0, 1), (0, 2), (1, 2), (2, 0)] {
      let points = [shares[first], shares[second]].map {
        Shamir.Point(x: $0.index, y: $0.payload)
      }
      #expect(try Shamir.combine(points).revealed() == [UInt8](0..<32))
    }
    for share in shares { #expect(lines.contains(Hex.encode(try share.check()))) }
  }

  @Test
  func theHierarchyNamesEveryLabelAndLimit() throws {
    let page = try page("key-hierarchy.md")
    for purpose in RootKey.Purpose.allCases { #expect(page.contains("`\(purpose.label)`")) }
    #expect(page.contains("32 to 65,536 random bytes"))
    #expect(SealSecret.minimumFileLength == 32 && SealSecret.maximumFileLength == 65_536)
    #expect(page.contains("needs 12 characters, at most 1,024 bytes"))
    #expect(
      SealSecret.minimumPassphraseLength == 12 && SealSecret.maximumPassphraseLength == 1024
    )
    #expect(page.contains("N = 2^\(ScryptParameters.standard.logN), r = 8, p = 1"))
  }
}
