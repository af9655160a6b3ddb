/// A run of audit entries in the order of the log.
package struct AuditPage: Hashable, Sendable, Codable {
  package let entries: [AuditEntryInfo]
  /// Entries in the log when the page was made.
  package let size: UInt64
  /// What to give as `from` for the next page; null at the end of the log.
  package let next: UInt64?

  package init(entries: [AuditEntryInfo], size: UInt64, next: UInt64?) {
    self.entries = entries
    self.size = size
    self.next = next
  }
}

/// One audit entry: its fields to read, and its exact bytes to check.
package struct AuditEntryInfo: Hashable, Sendable, Codable {
  package let index: UInt64
  package let time: String
  /// As `uid:0`, a KMS socket's key or `server`.
  package let principal: String
  package let transport: String
  package let operation: String
  /// What it was done to, as `keys/etcd/prod-eu`; empty when there is no such thing.
  package let resource: String
  /// `allowed` or an error code.
  package let outcome: String
  package let requestID: String
  /// More facts by name, none of them secret.
  package let details: [String: String]
  /// The canonical bytes that the leaf hash is over, base64.
  package let encoded: String
  /// RFC 6962 leaf hash, hexadecimal.
  package let leafHash: String

  enum CodingKeys: String, CodingKey {
    case index
    case time
    case principal
    case transport
    case operation
    case resource
    case outcome
    case requestID = "request_id"
    case details
    case encoded
    case leafHash = "leaf_hash"
  }

  package init(
    index: UInt64,
    time: String,
    principal: String,
    transport: String,
    operation: String,
    resource: String,
    outcome: String,
    requestID: String,
    details: [String: String] = [:],
    encoded: String,
    leafHash: String
  ) {
    self.index = index
    self.time = time
    self.principal = principal
    self.transport = transport
    self.operation = operation
    self.resource = resource
    self.outcome = outcome
    self.requestID = requestID
    self.details = details
    self.encoded = encoded
    self.leafHash = leafHash
  }
}

/// The signed size and root of the log at one moment.
package struct CheckpointInfo: Hashable, Sendable, Codable {
  package let size: UInt64
  /// Hexadecimal.
  package let rootHash: String
  /// The C2SP signed note, as it is signed.
  package let note: String
  /// The verifier key of the log (C2SP signed-note `vkey`), for offline checks.
  package let verifierKey: String

  enum CodingKeys: String, CodingKey {
    case size
    case rootHash = "root_hash"
    case note
    case verifierKey = "verifier_key"
  }

  package init(size: UInt64, rootHash: String, note: String, verifierKey: String) {
    self.size = size
    self.rootHash = rootHash
    self.note = note
    self.verifierKey = verifierKey
  }
}

/// An inclusion proof (RFC 6962 §2.1.1) or a consistency proof (§2.1.2).
package struct ProofInfo: Hashable, Sendable, Codable {
  /// The entry that is shown to be included; null in a consistency proof.
  package let index: UInt64?
  /// Its leaf hash; null in a consistency proof.
  package let leafHash: String?
  /// The older size; null in an inclusion proof.
  package let from: UInt64?
  /// The size of the tree that the proof ends in.
  package let size: UInt64
  /// The root of that tree, hexadecimal.
  package let rootHash: String
  /// The hashes of the proof, hexadecimal, in the order of RFC 6962.
  package let hashes: [String]
  /// The newest checkpoint, if it is of this size; null otherwise.
  package let checkpoint: CheckpointInfo?

  enum CodingKeys: String, CodingKey {
    case index
    case leafHash = "leaf_hash"
    case from
    case size
    case rootHash = "root_hash"
    case hashes
    case checkpoint
  }

  package init(
    index: UInt64? = nil,
    leafHash: String? = nil,
    from: UInt64? = nil,
    size: UInt64,
    rootHash: String,
    hashes: [String],
    checkpoint: CheckpointInfo? = nil
  ) {
    self.index = index
    self.leafHash = leafHash
    self.from = from
    self.size = size
    self.rootHash = rootHash
    self.hashes = hashes
    self.checkpoint = checkpoint
  }
}
