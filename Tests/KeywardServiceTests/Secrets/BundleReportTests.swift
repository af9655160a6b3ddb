import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Openings of bundles, as a site without a server tells them later.
@Suite
struct BundleReportTests {
  /// The log says of which bundle an opening was, and whether the journal was changed.
  @Test
  func openingsAreOfABundle() async throws {
    let server = try await TestServer.unsealed()
    try await server.declare("dev")
    for broken in [nil, false, true] {
      let start = try server.logSize()
      let digest = [UInt8](repeating: 0xab, count: 32)
      let opening = BundleOpening(
        openedAt: "2027-01-31T18:00:00Z",
        bundle: Hex.encode(digest),
        environment: "dev",
        by: "uid-0@site",
        references: ["kw://p/a?version=3#x"]
      )
      _ = try await server.service.reportOpenings(
        .officer,
        ReportOpeningsRequest(openings: [opening], journalBroken: broken)
      )
      let details = try #require(try server.events(from: start).first?.details)
      #expect(details.contains(.secret(version: 3, depth: 0)))
      #expect(
        details.contains(.bundle(AuditDigest(digest), broken == true ? .broken : .whole))
      )
    }
    let wrong = BundleOpening(
      openedAt: "2027-01-31T18:00:00Z",
      bundle: String(repeating: "A", count: 64),
      environment: "dev",
      by: "uid-0@site",
      references: ["kw://p/a?version=3#x"]
    )
    await refused(.invalidRequest) {
      try await server.service.reportOpenings(.officer, ReportOpeningsRequest(openings: [wrong]))
    }
  }
}
