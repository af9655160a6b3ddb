package import KeywardModel

/// What the native API does, one method for each route: the service as its transport sees it.
///
/// Every method authorizes, acts and makes its audit entry durable before it returns or replies.
/// `Caller` is made by the transport from the connection, never from the request's own words.
package protocol AdminOperations: AccessOperations, ExportOperations, SecretOperations {
  /// The version of the server.
  var version: String { get }

  /// Whether a request would be served now; answered from memory, without an audit entry.
  func readiness() async -> Readiness

  /// Seal state and progress; the figures of the store only for who may see them.
  func status(_ caller: Caller) async throws(ServiceError) -> SealStatus
  /// Refuses who may not see the figures of the server (`operator:status`).
  func authorizeFigures(_ caller: Caller) async throws(ServiceError)

  /// Asks the policy again before the kept answer of a creation is repeated, and records it.
  func authorizeRepetition(_ caller: Caller, of name: KeyName) async throws(ServiceError)

  // The seal.

  /// Makes the store's root key; gives the share lines, which exist nowhere else.
  func initialize(
    _ caller: Caller,
    _ request: SealRequest,
    passphrase: SecretBody
  ) async throws(ServiceError) -> SecretBody
  /// Takes one or more share lines, or a passphrase.
  func unseal(
    _ caller: Caller,
    input: SecretBody,
    acceptingRollback: Bool
  ) async throws(ServiceError) -> SealStatus
  func seal(_ caller: Caller) async throws(ServiceError) -> SealStatus
  /// Makes another seal for the same root key; `current` proves the old one.
  func rekey(
    _ caller: Caller,
    _ request: SealRequest,
    current: SecretBody,
    passphrase: SecretBody
  ) async throws(ServiceError) -> SecretBody
  /// Takes an approval rule out of the policy, with a quorum of shares in place of its approvals.
  func liftApprovalRule(
    _ caller: Caller,
    _ name: String,
    shares: SecretBody
  ) async throws(ServiceError) -> PolicyRevisionInfo
  /// Shows new shares, by which the seals of before a rekey go.
  func confirmRekey(_ caller: Caller, shares: SecretBody) async throws(ServiceError) -> SealStatus
  func rotateKeyring(_ caller: Caller) async throws(ServiceError) -> KeyringRotation

  // Keys.

  func listKeys(_ caller: Caller, _ query: KeyQuery) async throws(ServiceError) -> KeyPage
  func createKey(
    _ caller: Caller,
    _ request: CreateKeyRequest
  ) async throws(ServiceError)
    -> KeyInfo
  func showKey(_ caller: Caller, _ name: KeyName) async throws(ServiceError) -> KeyInfo
  func importKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: ImportRequest,
    material: SecretBody
  ) async throws(ServiceError) -> KeyInfo
  func makeWrappingKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: WrappingKeyRequest
  ) async throws(ServiceError) -> WrappingKeyInfo
  func discardWrappingKey(
    _ caller: Caller,
    _ name: KeyName,
    _ id: WrappingKeyID
  ) async throws(ServiceError) -> WrappingKeyInfo
  func rotateKey(_ caller: Caller, _ name: KeyName) async throws(ServiceError) -> KeyInfo
  func updateKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: UpdateKeyRequest
  ) async throws(ServiceError) -> KeyInfo
  func setKeyState(
    _ caller: Caller,
    _ name: KeyName,
    version: Int,
    to state: KeyState
  ) async throws(ServiceError) -> KeyInfo
  /// Schedules the destruction of one version, or of the whole key when `version` is nil.
  ///
  /// `delay` is in seconds; nil for the server's undo window.
  func destroyKey(
    _ caller: Caller,
    _ name: KeyName,
    version: Int?,
    after delay: Int64?
  ) async throws(ServiceError) -> KeyInfo
  func undestroyKey(
    _ caller: Caller,
    _ name: KeyName,
    version: Int?
  ) async throws(ServiceError) -> KeyInfo

  // What keys do.

  func encrypt(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<PublicResult>
  )
  func decrypt(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<SecretResult>
  )
  func wrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> PublicResult
  func unwrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> SecretResult
  func sign(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> PublicResult
  func verify(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> VerificationResult
  func mac(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<PublicResult>
  )
  func macVerify(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<VerificationResult>
  )
  /// Moves a ciphertext to the primary version without showing the plaintext.
  func rewrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> PublicResult
  /// Key agreement with the public key in the body (SubjectPublicKeyInfo DER).
  func agree(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> SecretResult
  func derive(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> SecretResult

  // The audit log, backup and check.

  func auditEntries(
    _ caller: Caller,
    from: UInt64,
    limit: Int
  ) async throws(ServiceError) -> AuditPage
  func auditCheckpoint(_ caller: Caller) async throws(ServiceError) -> CheckpointInfo
  /// Proves that an entry is in the tree of `size` entries; nil for the newest.
  func auditProof(
    _ caller: Caller,
    index: UInt64,
    size: UInt64?
  ) async throws(ServiceError) -> ProofInfo
  /// Proves that the tree of `to` entries, nil for the newest, continues the one of `from`.
  func auditConsistency(
    _ caller: Caller,
    from: UInt64,
    to: UInt64?
  ) async throws(ServiceError) -> ProofInfo
  func exportAudit(_ caller: Caller) async throws(ServiceError) -> ChunkStream
  func createBackup(_ caller: Caller) async throws(ServiceError) -> ChunkStream
  func fsck(_ caller: Caller) async throws(ServiceError) -> FsckReport
}

/// Which keys `GET /api/v1/keys` asks for.
package struct KeyQuery: Hashable, Sendable {
  /// The beginning of the name, at any byte; empty for all.
  package let prefix: String
  /// 1 to 1000.
  package let limit: Int
  /// Where the last page ended; nil for the first.
  package let cursor: String?
  /// Whether keys that were deleted are shown too.
  package let includesDeleted: Bool

  package init(prefix: String, limit: Int, cursor: String?, includesDeleted: Bool) {
    self.prefix = prefix
    self.limit = limit
    self.cursor = cursor
    self.includesDeleted = includesDeleted
  }
}

/// What `/readyz` tells: unsealed and able to write the audit log, or why not.
package struct Readiness: Hashable, Sendable {
  package let isReady: Bool
  /// One public word or sentence, as `sealed`.
  package let reason: String

  package init(isReady: Bool, reason: String) {
    self.isReady = isReady
    self.reason = reason
  }
}
