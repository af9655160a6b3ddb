import Dispatch
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Synchronization

/// Backup and check of the open store, while requests go on.
extension KeywardService {
  /// An encrypted, consistent copy of the store (docs/formats/backup.md).
  package func createBackup(_ caller: Caller) async throws(ServiceError) -> BackupStream {
    _ = try await awaiting { (reply: @escaping @Sendable (Result<Bool, ServiceError>) -> Void) in
      self.answer(caller, .backupCreate, .system, reply: reply) { _, _, _ in true }
    }
    let store = try copyable()
    let now = now()
    let turn = try takeTurn()
    let cursor = try await aside { () throws(ServiceError) in
      do { return BackupCursor(try BackupWriter(store, at: now)) } catch {
        turn.end()
        throw ServiceError(store: error)
      }
    }
    return BackupStream(
      next: { () throws(ServiceError) in
        try await self.aside { () throws(ServiceError) in
          // A backup that is under way holds keys: it ends with the seal.
          do throws(ServiceError) {
            _ = try self.unsealed()
          } catch {
            cursor.close()
            throw error
          }
          do { return try cursor.next() } catch { throw ServiceError(store: error) }
        }
      },
      close: {
        cursor.close()
        turn.end()
      }
    )
  }

  /// Checks every row, the audit log and the anchor; nothing is repaired.
  package func fsck(_ caller: Caller) async throws(ServiceError) -> FsckReport {
    let keyring = try await awaiting { reply in
      self.answer(caller, .operatorFsck, .system, reply: reply) {
        _,
        state,
        _ throws(ServiceError) in try state.keyring()
      }
    }
    let store = try copyable()
    let turn = try takeTurn()
    return try await aside { () throws(ServiceError) in
      defer { turn.end() }
      do { return try store.check(keyring: keyring).wire } catch {
        throw ServiceError(store: error)
      }
    }
  }

  /// One backup or check at a time: each needs room for a copy of the store.
  private func takeTurn() throws(ServiceError) -> CopyTurn {
    guard
      copying.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
        .exchanged
    else {
      throw ServiceError(
        .conflict,
        "A backup or a check is under way.",
        remedy: "Try again when it is done."
      )
    }
    return CopyTurn(self)
  }

  /// The store, if it is one that is copied as a file; others bring their own backup.
  private func copyable() throws(ServiceError) -> SQLiteStore {
    guard let store = store as? SQLiteStore else {
      throw ServiceError(.unimplemented, "This kind of store is backed up by its own tools.")
    }
    return store
  }

  /// Runs what blocks for long on a thread of its own, so that no request waits for it.
  private func aside<R: Sendable>(
    _ body: @escaping @Sendable () throws(ServiceError) -> R
  ) async throws(ServiceError) -> R {
    try await awaiting { reply in
      DispatchQueue.global(qos: .utility).async {
        reply(Result { () throws(ServiceError) in try body() })
      }
    }
  }
}

/// The right to copy the store; ends once, by itself at the latest when nobody holds it.
private final class CopyTurn: Sendable {
  private let service: Mutex<KeywardService?>

  init(_ service: KeywardService) {
    self.service = Mutex(service)
  }

  deinit { end() }

  func end() {
    let holder = service.withLock { service in
      defer { service = nil }
      return service
    }
    holder?.copying.store(false, ordering: .releasing)
  }
}

/// A backup on its way out.
package struct BackupStream: Sendable {
  /// The next piece; nil at the end.
  package let next: @Sendable () async throws(ServiceError) -> [UInt8]?
  /// Gives up a backup that nobody reads any more.
  package let close: @Sendable () async -> Void
}

/// Lets the pieces of a backup be pulled from any thread, one at a time.
private final class BackupCursor: Sendable {
  private let writer: Mutex<BackupWriter>

  init(_ writer: sending BackupWriter) {
    self.writer = Mutex(writer)
  }

  func next() throws -> [UInt8]? { try writer.withLock { try $0.next() } }

  func close() { writer.withLock { $0.close() } }
}
