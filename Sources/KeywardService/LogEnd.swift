import KeywardAudit
import KeywardModel
import KeywardStore

/// What the stored end of the log says, checked against the authenticated frontier.
///
/// Rows of the audit tables carry no MAC: whoever can write the file can put any there.
enum LogEnd {
  /// The time of the last entry; nil for an empty log.
  ///
  /// Throws if the entry is not the one that the frontier was made with: a forged time would stop
  /// everything that falls due.
  static func time(_ reader: any StoreReader, frontier: Frontier) throws -> Timestamp? {
    guard frontier.size > 0 else { return nil }
    let index = frontier.size - 1
    guard let last = try reader.auditEntries(from: index, limit: 1).first, last.index == index
    else {
      throw AuditError.malformedHashes
    }
    let hashes = StoredHashes(
      leaves: { try reader.leafHashes($0) },
      tiles: { try reader.tileHashes($0) }
    )
    let proof = try MerkleTree.inclusionProof(
      index: index,
      size: frontier.size,
      node: hashes.node
    )
    guard
      MerkleProof.includes(
        leafHash: MerkleTree.leafHash(last.entry),
        index: index,
        size: frontier.size,
        path: proof,
        root: frontier.root
      )
    else { throw AuditError.malformedHashes }
    return Timestamp(milliseconds: Int64(clamping: try AuditEntry(decoding: last.entry).event.time))
  }

  /// The size that the newest genuine checkpoint covers; 0 when there is none, so that one is signed.
  static func signedSize(
    _ reader: any StoreReader,
    _ frontier: Frontier,
    by signer: NoteSigner
  ) throws -> UInt64 {
    guard let stored = try reader.latestCheckpoint(), stored.size <= frontier.size,
      let note = try? SignedNote(parsing: stored.note),
      let checkpoint = try? Checkpoint(verifying: note, by: signer.verifierKey),
      checkpoint.size == stored.size
    else { return 0 }
    return checkpoint.size
  }
}
