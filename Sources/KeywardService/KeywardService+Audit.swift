import KeywardAudit
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging

/// Reading and proving the audit log (docs/formats/audit-log.md).
extension KeywardService {
  /// A run of entries.
  package func auditEntries(
    _ caller: Caller,
    from index: UInt64,
    limit: Int
  ) async throws(ServiceError) -> AuditPage {
    try await reading(caller, .auditRead) { reader, size in
      let stored = try reader.auditEntries(from: index, limit: limit)
      let entries = try stored.map { try AuditEntryInfo($0) }
      let next = stored.last.map { $0.index + 1 }
      return AuditPage(entries: entries, size: size, next: next.flatMap { $0 < size ? $0 : nil })
    }
  }

  /// A checkpoint of the log as it is now, signed for this answer if there is none.
  package func auditCheckpoint(_ caller: Caller) async throws(ServiceError) -> CheckpointInfo {
    try await reading(caller, .auditRead, signing: true) { reader, _ in
      guard let info = try self.latestCheckpoint(reader) else {
        throw ServiceError(.notFound, "The log has no checkpoint yet.")
      }
      return info
    }
  }

  /// The proof that an entry is in the tree of `size` entries (RFC 9162 §2.1.3).
  package func auditProof(
    _ caller: Caller,
    index: UInt64,
    size: UInt64?
  ) async throws(ServiceError) -> ProofInfo {
    try await reading(caller, .auditRead, signing: true) { reader, count in
      let checkpoint = try self.latestCheckpoint(reader)
      let size = size ?? checkpoint?.size ?? count
      guard size <= count, index < size else {
        throw ServiceError(
          .notFound,
          "There is no entry \(index) in a log of \(size) entries.",
          remedy: "The log has \(count) entries."
        )
      }
      let hashes = StoredHashes(
        leaves: { try reader.leafHashes($0) },
        tiles: { try reader.tileHashes($0) }
      )
      let proof = try MerkleTree.inclusionProof(index: index, size: size, node: hashes.node)
      return ProofInfo(
        index: index,
        leafHash: Hex.encode(try reader.leafHashes(index..<index + 1).first ?? []),
        size: size,
        rootHash: Hex.encode(try MerkleTree.root(size: size, node: hashes.node)),
        hashes: proof.map { Hex.encode($0) },
        checkpoint: checkpoint?.size == size ? checkpoint : nil
      )
    }
  }

  /// The proof that the tree of `to` entries begins with that of `from` (RFC 9162 §2.1.4).
  package func auditConsistency(
    _ caller: Caller,
    from: UInt64,
    to: UInt64?
  ) async throws(ServiceError) -> ProofInfo {
    try await reading(caller, .auditRead, signing: true) { reader, count in
      let checkpoint = try self.latestCheckpoint(reader)
      let size = to ?? checkpoint?.size ?? count
      guard from >= 1, from <= size, size <= count else {
        throw ServiceError(
          .invalidRequest,
          "A consistency proof goes from 1 or more entries up to the log's size.",
          remedy: "The log has \(count) entries."
        )
      }
      let hashes = StoredHashes(
        leaves: { try reader.leafHashes($0) },
        tiles: { try reader.tileHashes($0) }
      )
      let proof = try MerkleTree.consistencyProof(from: from, to: size, node: hashes.node)
      return ProofInfo(
        from: from,
        size: size,
        rootHash: Hex.encode(try MerkleTree.root(size: size, node: hashes.node)),
        hashes: proof.map { Hex.encode($0) },
        checkpoint: checkpoint?.size == size ? checkpoint : nil
      )
    }
  }

  /// The export of the whole log up to a checkpoint of now, in pieces; each call gives the next.
  package func exportAudit(
    _ caller: Caller
  ) async throws(ServiceError) -> @Sendable () async throws(ServiceError) -> [UInt8]? {
    let (size, key) = try await reading(caller, .auditExport, signing: true) { reader, count in
      let key = self.committer.logKey
      return (try reader.latestCheckpoint()?.size ?? count, key)
    }
    guard let key else { throw .sealed }
    let writer = AuditExportCursor(size: size, verifierKey: key)
    return { () throws(ServiceError) in
      try await self.onWritingThread { () throws(ServiceError) in
        do {
          return try self.store.read { try writer.next($0) }
        } catch {
          throw ServiceError(store: error)
        }
      }
    }
  }

  /// Signs a checkpoint if entries came since the last.
  private func signCheckpoint() async throws(ServiceError) {
    try await onWritingThread { () throws(ServiceError) in
      guard let log = self.committer.currentLog() else { throw .sealed }
      do {
        try self.committer.commitNow(log, durability: .auditOnly, signing: true) { _, _ in }
      } catch {
        throw ServiceError(store: error)
      }
    }
  }

  private func latestCheckpoint(_ reader: any StoreReader) throws -> CheckpointInfo? {
    guard let stored = try reader.latestCheckpoint(), let key = committer.logKey else { return nil }
    let checkpoint = try Checkpoint(verifying: SignedNote(parsing: stored.note), by: key)
    return CheckpointInfo(
      size: checkpoint.size,
      rootHash: Hex.encode(checkpoint.root),
      note: String(decoding: stored.note, as: UTF8.self),
      verifierKey: key.text
    )
  }

  /// Authorizes, makes the entry durable, then reads: the reader sees its own entry.
  ///
  /// With `signing`, a checkpoint covers that entry.
  private func reading<Answer: Sendable>(
    _ caller: Caller,
    _ operation: ServiceOperation,
    signing: Bool = false,
    _ body: @escaping @Sendable (any StoreReader, UInt64) throws -> Answer
  ) async throws(ServiceError) -> Answer {
    _ = try await awaiting { (reply: @escaping @Sendable (Result<Bool, ServiceError>) -> Void) in
      self.answer(caller, operation, .audit, reply: reply) { _, _, _ in true }
    }
    if signing { try await signCheckpoint() }
    return try await onWritingThread { () throws(ServiceError) in
      do {
        return try self.store.read { try body($0, try $0.auditCount()) }
      } catch let error as ServiceError {
        throw error
      } catch let error as AuditError {
        self.logger.error("The audit log could not be read", metadata: ["error": "\(error)"])
        throw ServiceError(
          .tampered,
          "The audit log does not verify.",
          remedy: "Run keyward fsck."
        )
      } catch {
        throw ServiceError(store: error)
      }
    }
  }
}

extension AuditEntryInfo {
  init(_ stored: StoredAuditEntry) throws {
    let event = try AuditEntry(decoding: stored.entry).event
    self.init(
      index: stored.index,
      time: Timestamp(milliseconds: Int64(clamping: event.time)).rfc3339,
      principal: event.principal.name,
      transport: event.source.rawValue,
      operation: event.operation,
      resource: event.resource,
      outcome: event.outcome == .allowed ? "allowed" : event.reason,
      requestID: event.request,
      details: AuditEntryInfo.details(event),
      encoded: Base64.encode(stored.entry),
      leafHash: Hex.encode(stored.leafHash)
    )
  }

  private static func details(_ event: AuditEvent) -> [String: String] {
    var details: [String: String] = [:]
    if let version = event.key?.version { details["version"] = String(version) }
    if let id = event.key?.id { details["key"] = id }
    if let hash = event.key?.hash { details["key_id_hash"] = hash.text }
    if let uid = event.kmsUID { details["kms_uid"] = uid }
    if let rule = event.rule { details["rule"] = rule }
    details["issuer"] = event.principal.issuer
    details["cluster"] = event.principal.cluster
    details["environment"] = event.principal.environment
    for claim in event.principal.claims { details["claim:" + claim.name] = claim.value }
    details["address"] = event.address
    details["token"] = event.token
    details["approval"] = event.approval
    for case .dropped(let count) in event.details { details["dropped"] = String(count) }
    return details
  }
}
