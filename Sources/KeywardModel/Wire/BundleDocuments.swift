/// What `POST /api/v1/bundles:report` takes: openings of bundles at sites without a server, told later.
package struct ReportOpeningsRequest: Hashable, WireRequest {
  /// At most 1,000 references in all of them together.
  package var openings: [BundleOpening]
  /// Whether lines of the journal that they are from were changed or removed.
  package var journalBroken: Bool?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case openings
    case journalBroken = "journal_broken"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(openings: [BundleOpening], journalBroken: Bool? = nil) {
    self.openings = openings
    self.journalBroken = journalBroken
  }
}

/// One opening, as the journal of the site has it: nothing of it is proved but by whom it was told.
package struct BundleOpening: Hashable, Sendable, Codable {
  /// When, by the clock of the site (RFC 3339).
  package let openedAt: String
  /// The SHA-256 of the bundle, in hexadecimal.
  package let bundle: String
  package let environment: String
  /// Who, as the site says: `uid-0@host`.
  package let by: String
  /// The values that were given, with their versions.
  package let references: [String]

  enum CodingKeys: String, CodingKey, CaseIterable {
    case openedAt = "opened_at"
    case bundle
    case environment
    case by
    case references
  }

  package init(
    openedAt: String,
    bundle: String,
    environment: String,
    by: String,
    references: [String]
  ) {
    self.openedAt = openedAt
    self.bundle = bundle
    self.environment = environment
    self.by = by
    self.references = references
  }

  package init(from decoder: any Decoder) throws {
    try decoder.refuseFields(except: CodingKeys.allCases.map(\.rawValue))
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    openedAt = try fields.decode(String.self, forKey: .openedAt)
    bundle = try fields.decode(String.self, forKey: .bundle)
    environment = try fields.decode(String.self, forKey: .environment)
    by = try fields.decode(String.self, forKey: .by)
    references = try fields.decode([String].self, forKey: .references)
  }
}

/// What became of a report.
package struct ReportedOpenings: Hashable, Sendable, Codable {
  /// The entries that the audit log has of it: one for each reference of each opening.
  package let recorded: Int

  package init(recorded: Int) {
    self.recorded = recorded
  }
}
