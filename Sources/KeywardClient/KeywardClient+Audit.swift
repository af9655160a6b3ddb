import KeywardHTTPClient
package import KeywardModel

extension KeywardClient {
  package func auditEntries(from: UInt64, limit: Int) throws(ClientError) -> AuditPage {
    try get(Query("/api/v1/audit").adding("from", from).adding("limit", limit))
  }

  package func auditCheckpoint() throws(ClientError) -> CheckpointInfo {
    try get(Query("/api/v1/audit/checkpoint"))
  }

  package func auditProof(index: UInt64, size: UInt64?) throws(ClientError) -> ProofInfo {
    try get(Query("/api/v1/audit/proof").adding("index", index).adding("size", size))
  }

  package func auditConsistency(from: UInt64, to: UInt64?) throws(ClientError) -> ProofInfo {
    try get(Query("/api/v1/audit/consistency").adding("from", from).adding("to", to))
  }

  package func exportAudit(to descriptor: CInt) throws(ClientError) {
    try stream(.get, Query("/api/v1/audit/export"), to: descriptor)
  }

  package func createBackup(to descriptor: CInt) throws(ClientError) {
    try stream(.post, Query("/api/v1/backup"), to: descriptor)
  }

  package func fsck() throws(ClientError) -> FsckReport {
    try post(Query("/api/v1/fsck"))
  }
}
