import Foundation
import KeywardModel
import Testing

@testable import KeywardPipeline

@Suite
struct BundleJournalTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("journal-\(UUID().uuidString)")

  private func opening(_ digest: UInt8) throws -> BundleJournal.Opening {
    BundleJournal.Opening(
      time: Timestamp(milliseconds: 1_800_000_000_000),
      digest: [UInt8](repeating: digest, count: 32),
      environment: try EnvironmentName("prod-eu"),
      by: "ops user@site\n1",
      references: [
        try SecretReference("kw://a/b?version=1#c"), try SecretReference("kw://a/b?version=1#d"),
      ]
    )
  }

  @Test
  func keepsOpeningsUntilTheyAreReported() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let journal = BundleJournal(path: folder.appendingPathComponent("journal").path)
    #expect(try journal.read().pending.isEmpty)
    try journal.add(opening(1))
    try journal.add(opening(2))
    let state = try journal.read()
    #expect(state.pending == [try opening(1), try opening(2)] && state.brokenAt == nil)
    #expect(state.pending[0].by == "opsuser@site1")
    try journal.addReport(at: Timestamp(milliseconds: 1_800_000_000_001), of: state)
    #expect(try journal.read().pending.isEmpty)
    try journal.add(opening(3))
    #expect(try journal.read().pending == [opening(3)])
    let mode = try FileManager.default.attributesOfItem(atPath: journal.path)[.posixPermissions]
    #expect(mode as? Int == 0o600)
    // A line that is taken out or changed is seen.
    let lines = try String(contentsOfFile: journal.path, encoding: .utf8).split(separator: "\n")
    for index in lines.indices.dropLast() {
      var fewer = lines
      fewer.remove(at: index)
      let text = fewer.map { $0 + "\n" }.joined()
      #expect(BundleJournal.state(of: Array(text.utf8)).brokenAt == index + 1)
    }
    let changed = lines.map { $0 + "\n" }.joined().replacing(
      "a/b?version=1#d",
      with: "a/b?version=1#e"
    )
    #expect(BundleJournal.state(of: Array(changed.utf8)).brokenAt == 1)
  }

  /// What is opened while a report is under way stays to be told.
  @Test
  func aReportEndsOnlyWhatItTold() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let journal = BundleJournal(path: folder.appendingPathComponent("journal").path)
    try journal.add(opening(1))
    try journal.add(opening(2))
    let sent = try journal.read()
    try journal.add(opening(3))
    try journal.addReport(at: Timestamp(milliseconds: 1_800_000_000_001), of: sent)
    let left = try journal.read()
    #expect(left.pending == [try opening(3)] && left.brokenAt == nil)
    // A report of more than there is, is none that this program wrote.
    try journal.addReport(at: Timestamp(milliseconds: 1_800_000_000_002), of: sent)
    let odd = try journal.read()
    #expect(odd.pending == [try opening(3)] && odd.brokenAt == 5)
  }
}
