import KeywardCrypto
import KeywardModel
import Synchronization

/// The access tokens of a session or an account, so that a thousand exports ask for one.
final class AccessTokens: Sendable {
  private struct Entry: Sendable {
    let header: SecretBox
    let validUntil: Timestamp
  }

  private let entries = Mutex<[String: Entry]>([:])

  /// The value of `Authorization` for `name`, unless it ends within a minute.
  func header(_ name: String, at moment: Timestamp) -> SecretBox? {
    entries.withLock { entries in
      guard let entry = entries[name], moment.adding(seconds: 60) < entry.validUntil else {
        return nil
      }
      return entry.header
    }
  }

  /// Drops a token that was refused: the next request asks for another.
  func forget(_ header: SecretBox) {
    entries.withLock { entries in entries = entries.filter { $0.value.header !== header } }
  }

  func keep(_ header: SecretBox, _ name: String, until end: Timestamp) {
    entries.withLock { $0[name] = Entry(header: header, validUntil: end) }
  }
}
