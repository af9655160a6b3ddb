import KeywardModel
import Synchronization

/// An import job that is active: what a key is wrapped for.
struct GoogleImportJob: Sendable, Equatable {
  /// `projects/P/locations/L/keyRings/R/importJobs/J`.
  let name: String
  /// The wrapping key as SubjectPublicKeyInfo in DER.
  let publicKey: [UInt8]
  let validUntil: Timestamp
}

/// The import jobs that an account has found active, so that a thousand exports ask for one once.
///
/// A job's key never changes, and a job cannot be deleted. It is asked for anew after ten minutes, and
/// after an import that failed.
final class GoogleImportJobs: Sendable {
  /// Where a job was found, and who vouched for the one who gave it.
  struct Place: Hashable, Sendable {
    let endpoint: String
    /// The authorities that were trusted, in PEM; nil for the system's.
    let authorities: String?
    let name: String
  }

  private struct Entry: Sendable {
    let job: GoogleImportJob
    let until: Timestamp
  }

  private static let seconds: Int64 = 600

  private let entries = Mutex<[Place: Entry]>([:])

  func job(_ place: Place, at moment: Timestamp) -> GoogleImportJob? {
    entries.withLock { entries in
      guard let entry = entries[place], moment < entry.until else { return nil }
      return entry.job
    }
  }

  /// Keeps a job, unless it ends while it would be kept.
  func keep(_ job: GoogleImportJob, _ place: Place, at moment: Timestamp) {
    let until = moment.adding(seconds: Self.seconds)
    guard until < job.validUntil else { return }
    entries.withLock { entries in
      // A ring has few: one for each method and protection level, and a new one each day.
      entries = entries.filter { moment < $0.value.until }
      entries[place] = Entry(job: job, until: until)
    }
  }

  func forget(_ place: Place) {
    entries.withLock { $0[place] = nil }
  }
}
