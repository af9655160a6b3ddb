import Foundation
import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// `ExportCheck` over files that cryptography, jwcrypto and openssl wrote.
@Suite
struct ExportCheckTests {
  private struct Case {
    let name: String
    let file: [UInt8]
    let hints: ExportCheck.Hints
    let kind: ExportCheck.Kind?
    let codes: Set<String>

    init(_ job: ExportOracle.Job) throws {
      name = try #require(job["name"] as? String)
      file = unhex(try #require(job["file"] as? String))
      kind = (job["kind"] as? String).flatMap(ExportCheck.Kind.init)
      codes = Set(try #require(job["codes"] as? [String]))
      let said = try #require(job["hints"] as? ExportOracle.Job)
      func text(_ name: String) -> String? { said[name] as? String }
      hints = ExportCheck.Hints(
        kind: text("ask").flatMap(ExportCheck.Kind.init),
        provider: text("provider").flatMap(ExportProvider.init),
        wrappingKeyBits: said["wrappingKeyBits"] as? Int,
        algorithm: text("algorithm").flatMap(WrappingAlgorithm.init),
        keyType: text("keyType").flatMap(KeyType.init),
        encoding: text("encoding").flatMap(ExportCheck.Encoding.init) ?? .raw,
        protectionLevel: text("protectionLevel")
      )
    }
  }

  private static let cases = Result { try ExportOracle.files().map(Case.init) }

  private static func now() -> Timestamp {
    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
  }

  private static func check(
    _ file: [UInt8],
    _ hints: ExportCheck.Hints
  ) throws -> ExportCheck.Report {
    try ExportCheck.check(SecretBytes.fixture(file), hints, now: now())
  }

  @Test("Right files of other tools pass, and what is wrong with the others is named")
  func files() throws {
    let cases = try Self.cases.get()
    let right = cases.filter(\.codes.isEmpty).count
    #expect(right >= 40 && cases.count - right >= 90)
    var seen: Set<String> = []
    for one in cases {
      let report = try Self.check(one.file, one.hints)
      let found = Set(report.findings.map(\.code.rawValue))
      #expect(found == one.codes, "\(one.name)")
      if let kind = one.kind { #expect(report.kind == kind, "\(one.name)") }
      #expect(report.findings.allSatisfy { !$0.place.isEmpty && !$0.remedy.isEmpty }, "\(one.name)")
      #expect(report.isSound == found.isSubset(of: ["sha1_avoidable"]), "\(one.name)")
      seen.formUnion(found)
    }
    #expect(seen.count >= 38)
  }

  @Test("What is said of a file has none of its bytes, and JSON of it can be written")
  func silence() throws {
    for one in try Self.cases.get() {
      let report = try Self.check(one.file, one.hints)
      let said = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
      let bytes = Array(said.utf8)
      // Any 24 bytes of a file's inside; names of fields and of forms are shorter.
      for start in stride(from: 0, to: max(one.file.count - 24, 0), by: 24) {
        let piece = one.file[start..<(start + 24)]
        guard piece.allSatisfy({ $0 > 0x20 }), !piece.contains(UInt8(ascii: "_")) else { continue }
        let isSaid = bytes.indices.contains { bytes[$0...].starts(with: piece) }
        #expect(!isSaid, "\(one.name)")
      }
    }
  }

  @Test("A file of no known form is refused unless its kind is said")
  func unrecognized() throws {
    for file in [[], [7], [UInt8](repeating: 0x91, count: 32), Array("{}".utf8), Array("{".utf8)] {
      var code: ExportRefusal.Code?
      do throws(ExportRefusal) {
        let bytes: SecretBytes
        do throws(CryptoError) {
          bytes = try SecretBytes.fixture(file)
        } catch {
          Issue.record("no locked memory")
          return
        }
        _ = try ExportCheck.check(bytes, ExportCheck.Hints(), now: Self.now())
      } catch {
        code = error.code
      }
      #expect(code == .fileUnrecognized, "\(file)")
      for kind in ExportCheck.Kind.allCases where kind != .raw {
        let report = try Self.check(file, ExportCheck.Hints(kind: kind))
        #expect(!report.isSound, "\(kind) \(file)")
      }
    }
  }

  @Test("A blob stays a blob, whatever byte it begins with")
  func firstBytes() throws {
    for first in UInt8.min...UInt8.max {
      let blob = [first] + (1...255).map { UInt8($0) }
      #expect(try Self.check(blob, ExportCheck.Hints()).kind == .blob, "\(first)")
    }
  }

  @Test("Cut and changed files end in findings, never in a crash")
  func hostile() throws {
    var numbers = SystemRandomNumberGenerator()
    for one in try Self.cases.get() {
      for _ in 0..<20 {
        var file = one.file
        if !file.isEmpty {
          file[Int.random(in: 0..<file.count, using: &numbers)] = .random(in: 0...255)
        }
        file = Array(file.prefix(Int.random(in: 0...file.count, using: &numbers)))
        for kind in ExportCheck.Kind.allCases {
          var hints = one.hints
          hints.kind = kind
          let report = try Self.check(file, hints)
          #expect(report.kind == kind)
        }
      }
    }
  }
}
