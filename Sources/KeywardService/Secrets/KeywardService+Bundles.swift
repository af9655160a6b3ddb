import KeywardAudit
package import KeywardModel

/// Openings of bundles at sites that could not reach the server, brought to the audit log later.
extension KeywardService {
  /// One reference of an opening, as it goes into the log.
  private struct Opened: Sendable {
    let resource: Resource
    let version: UInt64
    let at: UInt64
    let bundle: AuditDigest
  }

  /// Records openings: an entry for each reference, under the identity of who reports, in one commit.
  ///
  /// Policy is asked about `bundle:report` on each secret in the environment of its bundle; one
  /// refusal, and none counts as recorded. Each entry has the digest of the bundle, and whether the
  /// journal was changed. What a site says is kept as what was said.
  package func reportOpenings(
    _ caller: Caller,
    _ request: ReportOpeningsRequest
  ) async throws(ServiceError) -> ReportedOpenings {
    let opened = try Self.opened(request)
    let journal: AuditJournal = request.journalBroken == true ? .broken : .whole
    let judged: [Judged<Bool>] = try await awaiting { reply in
      self.answerEach(caller, .bundleReport, opened.map(\.resource), isWhole: true, reply: reply) {
        index,
        _,
        _,
        record throws(ServiceError) in
        record.details = [
          .secret(version: opened[index].version, depth: 0), .opened(opened[index].at),
          .bundle(opened[index].bundle, journal),
        ]
        return (true, nil)
      }
    }
    for one in judged { _ = try one.result.get() }
    return ReportedOpenings(recorded: judged.count)
  }

  private static func opened(_ request: ReportOpeningsRequest) throws(ServiceError) -> [Opened] {
    var opened: [Opened] = []
    for opening in request.openings {
      guard let time = Timestamp(rfc3339: opening.openedAt), time.milliseconds >= 0 else {
        throw wrong("'opened_at' is a time like 2027-01-31T18:00:00Z")
      }
      guard opening.bundle == opening.bundle.lowercased(),
        let digest = Hex.decode(opening.bundle), digest.count == 32
      else { throw wrong("'bundle' is a SHA-256 in hexadecimal") }
      guard opening.by.utf8.count <= 256 else { throw wrong("'by' has at most 256 bytes") }
      let environment = try WireText.environmentName(opening.environment)
      guard opened.count + opening.references.count <= SecretLimits.references else {
        throw wrong("a report has at most \(SecretLimits.references) references")
      }
      for text in opening.references {
        guard let reference = try? SecretReference(text), let version = reference.version else {
          throw wrong("each of 'references' is kw://project/name?version=N#field")
        }
        opened.append(
          Opened(
            resource: .secret(environment, reference.secret),
            version: UInt64(version),
            at: UInt64(time.milliseconds),
            bundle: AuditDigest(digest)
          )
        )
      }
    }
    guard !opened.isEmpty else { throw wrong("there is nothing to report") }
    return opened
  }

  private static func wrong(_ words: String) -> ServiceError {
    ServiceError(.invalidRequest, "The report is not taken: \(words).")
  }
}
