import KeywardAudit
import KeywardStore
import Synchronization

/// Writes an export of the log piece by piece, so that its size is never in memory at once.
///
/// Checkpoints stand after the entries that they cover: the more of them, the nearer a verifier can
/// name the place of a change.
final class AuditExportCursor: Sendable {
  private enum Stage {
    case header
    case entries(next: UInt64)
    case done
  }

  private struct State {
    var stage = Stage.header
    var writer: AuditExportWriter
    var checkpoints: [StoredCheckpoint] = []
    var checkpointsFrom: UInt64 = 1
  }

  private static let run = 1024
  private let size: UInt64
  private let state: Mutex<State>

  init(size: UInt64, verifierKey: NoteVerifierKey) {
    self.size = size
    state = Mutex(State(writer: AuditExportWriter(key: verifierKey)))
  }

  /// The next piece; nil after the last.
  func next(_ reader: any StoreReader) throws -> [UInt8]? {
    try state.withLock { state in
      switch state.stage {
      case .header:
        state.stage = .entries(next: 0)
        return state.writer.header()
      case .entries(let start) where start >= size:
        state.stage = .done
        return try state.writer.finish()
      case .entries(let start):
        let (bytes, next) = try AuditExportCursor.run(reader, from: start, to: size, &state)
        state.stage = .entries(next: next)
        return bytes
      case .done:
        return nil
      }
    }
  }

  private static func run(
    _ reader: any StoreReader,
    from start: UInt64,
    to size: UInt64,
    _ state: inout State
  ) throws -> ([UInt8], UInt64) {
    let entries = try reader.auditEntries(
      from: start,
      limit: min(run, Int(clamping: size - start))
    )
    guard !entries.isEmpty else { throw StoreError.corrupt("audit entry \(start) is missing") }
    var bytes: [UInt8] = []
    var next = start
    for entry in entries {
      bytes += try state.writer.entry(entry.entry, leafHash: entry.leafHash)
      next = entry.index + 1
      if let checkpoint = try checkpoint(of: next, reader, &state) {
        bytes += try state.writer.checkpoint(SignedNote(parsing: checkpoint.note))
      }
    }
    return (bytes, next)
  }

  /// The checkpoint of exactly `size` entries, read in runs.
  private static func checkpoint(
    of size: UInt64,
    _ reader: any StoreReader,
    _ state: inout State
  ) throws -> StoredCheckpoint? {
    if state.checkpoints.isEmpty && state.checkpointsFrom <= size {
      state.checkpoints = try reader.checkpoints(from: state.checkpointsFrom, limit: run)
      state.checkpointsFrom = state.checkpoints.last.map { $0.size + 1 } ?? .max
    }
    while let first = state.checkpoints.first, first.size < size { state.checkpoints.removeFirst() }
    guard let first = state.checkpoints.first, first.size == size else { return nil }
    state.checkpoints.removeFirst()
    return first
  }
}
