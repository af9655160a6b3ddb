import KeywardAudit
import KeywardAuthn
import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging

/// Takes out tokens, secret ids, requests for approval and wrapping keys that have ended.
extension KeywardService {
  /// The most records of a kind that go in one commit.
  private static let expiryBatch = 256
  /// The most wrapping keys: those that one search of the file can look for.
  private static let importKeyBatch = SQLiteStore.mostSearched
  /// Seconds that a request for approval can still be looked at after it ended.
  private static let approvalMemory: Int64 = 7 * 86_400

  /// One step; nothing is decided here, since what has ended does not hold any more as it is.
  func removeExpired(_ state: UnsealedState, at now: Timestamp) async {
    // As many as can be made until the next time.
    for _ in 0..<100 {
      guard await removeSomeExpired(state, at: now) >= Self.expiryBatch else { return }
    }
  }

  /// Takes out at most `expiryBatch` of each; returns how many there were.
  private func removeSomeExpired(_ state: UnsealedState, at now: Timestamp) async -> Int {
    let expired = state.access.withCredentials { $0.expired(at: now, limit: Self.expiryBatch) }
    let approvals = state.access.withApprovals { book in
      book.records.values.filter { $0.expiresAt.adding(seconds: Self.approvalMemory) <= now }
        .prefix(Self.expiryBatch)
    }
    let importKeys = state.importKeys.expired(at: now, limit: Self.importKeyBatch)
    guard expired.count + approvals.count + importKeys.count > 0 else { return 0 }
    let caller = Caller(principal: .server, transport: .server, requestID: "expire")
    do {
      return try await awaiting {
        (reply: @escaping @Sendable (Result<Int, ServiceError>) -> Void) in
        self.change(caller, .serverExpire, .system, reply: reply) {
          _,
          state,
          transaction,
          record throws(ServiceError) in
          // As they are now: a use may have come in between.
          let (tokens, secretIDs) = state.access.withCredentials { book in
            (
              expired.tokens.compactMap { book[$0.accessor] }.filter { !$0.holds(at: now) },
              expired.secretIDs.compactMap { gone in
                book.secretIDs.values.first { $0.accessor == gone.accessor }
              }.filter { !$0.holds(at: now) }
            )
          }
          let ended = state.access.withApprovals { book in
            approvals.compactMap { book[$0.id] }
          }
          let unused = importKeys.compactMap { state.importKeys[$0.id] }
          try self.store {
            for token in tokens { try transaction.deleteRecord(token.stored) }
            for secretID in secretIDs { try transaction.deleteRecord(secretID.stored) }
            for approval in ended { try transaction.deleteRecord(approval.stored) }
          }
          let count = tokens.count + secretIDs.count + ended.count + unused.count
          record.details = [.count(UInt64(count))]
          let change = Change(count) {
            state.access.withCredentials { book in
              for token in tokens { book.remove(token) }
              for secretID in secretIDs { book.remove(secretID) }
            }
            state.access.withApprovals { book in
              for approval in ended { book.remove(approval.id) }
            }
          }
          return try self.ending(unused, transaction, state, after: change)
        }
      }
    } catch {
      logger.error("What has expired could not be removed", metadata: ["error": "\(error)"])
      return 0
    }
  }
}
