import KeywardCrypto
package import KeywardModel
package import KeywardService
import KeywardStore

/// The service as the routes see it: each method is one use case, and nothing more happens here.
package struct ServiceAdapter: AdminOperations {
  let service: KeywardService

  package init(_ service: KeywardService) {
    self.service = service
  }

  package var version: String { service.options.version }

  package func readiness() async -> Readiness {
    let (isReady, reason) = service.readiness()
    return Readiness(isReady: isReady, reason: reason)
  }

  package func authorizeRepetition(
    _ caller: Caller,
    of name: KeyName
  ) async throws(ServiceError) {
    try await service.authorizeRepetition(caller, of: name)
  }

  package func status(_ caller: Caller) async throws(ServiceError) -> SealStatus {
    visible(service.sealStatus(), to: caller)
  }

  private func visible(_ status: SealStatus, to caller: Caller) -> SealStatus {
    service.maySeeFigures(caller) ? status : status.progressOnly
  }

  package func authorizeFigures(_ caller: Caller) async throws(ServiceError) {
    guard service.maySeeFigures(caller) else { throw .forbidden }
  }

  package func initialize(
    _ caller: Caller,
    _ request: SealRequest,
    passphrase: SecretBody
  ) async throws(ServiceError) -> SecretBody {
    try joined(try await service.initialize(caller, request, passphrase: passphrase))
  }

  package func unseal(
    _ caller: Caller,
    input: SecretBody,
    acceptingRollback: Bool
  ) async throws(ServiceError) -> SealStatus {
    let status = try await service.unseal(
      caller,
      input: input,
      accepting: acceptingRollback ? [.rollback] : []
    )
    return visible(status, to: caller)
  }

  package func seal(_ caller: Caller) async throws(ServiceError) -> SealStatus {
    try await service.seal(caller)
  }

  package func rekey(
    _ caller: Caller,
    _ request: SealRequest,
    current: SecretBody,
    passphrase: SecretBody
  ) async throws(ServiceError) -> SecretBody {
    try joined(
      try await service.rekey(caller, request, current: current, passphrase: passphrase)
    )
  }

  package func liftApprovalRule(
    _ caller: Caller,
    _ name: String,
    shares: SecretBody
  ) async throws(ServiceError) -> PolicyRevisionInfo {
    try await service.liftApprovalRule(caller, name, shares: shares)
  }

  package func confirmRekey(
    _ caller: Caller,
    shares: SecretBody
  ) async throws(ServiceError) -> SealStatus {
    try await service.confirmRekey(caller, shares: shares)
  }

  package func rotateKeyring(_ caller: Caller) async throws(ServiceError) -> KeyringRotation {
    try await service.rotateKeyring(caller)
  }

  // MARK: - Keys

  package func listKeys(_ caller: Caller, _ query: KeyQuery) async throws(ServiceError) -> KeyPage {
    try await service.listKeys(
      caller,
      prefix: query.prefix,
      limit: query.limit,
      cursor: query.cursor,
      deleted: query.includesDeleted
    )
  }

  package func createKey(
    _ caller: Caller,
    _ request: CreateKeyRequest
  ) async throws(ServiceError) -> KeyInfo {
    try await service.createKey(caller, request)
  }

  package func showKey(_ caller: Caller, _ name: KeyName) async throws(ServiceError) -> KeyInfo {
    try await service.showKey(caller, name: name)
  }

  package func importKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: ImportRequest,
    material: SecretBody
  ) async throws(ServiceError) -> KeyInfo {
    try await service.importKey(caller, name: name, request, material: material)
  }

  package func makeWrappingKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: WrappingKeyRequest
  ) async throws(ServiceError) -> WrappingKeyInfo {
    try await service.makeWrappingKey(caller, name: name, request)
  }

  package func discardWrappingKey(
    _ caller: Caller,
    _ name: KeyName,
    _ id: WrappingKeyID
  ) async throws(ServiceError) -> WrappingKeyInfo {
    try await service.discardWrappingKey(caller, name: name, id)
  }

  package func rotateKey(_ caller: Caller, _ name: KeyName) async throws(ServiceError) -> KeyInfo {
    try await service.rotateKey(caller, name: name)
  }

  package func updateKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: UpdateKeyRequest
  ) async throws(ServiceError) -> KeyInfo {
    try await service.updateKey(caller, name: name, request)
  }

  package func setKeyState(
    _ caller: Caller,
    _ name: KeyName,
    version: Int,
    to state: KeyState
  ) async throws(ServiceError) -> KeyInfo {
    try await service.setState(caller, name: name, version: version, to: state)
  }

  package func destroyKey(
    _ caller: Caller,
    _ name: KeyName,
    version: Int?,
    after delay: Int64?
  ) async throws(ServiceError) -> KeyInfo {
    try await service.destroyKey(caller, name: name, version: version, after: delay)
  }

  package func undestroyKey(
    _ caller: Caller,
    _ name: KeyName,
    version: Int?
  ) async throws(ServiceError) -> KeyInfo {
    try await service.undestroyKey(caller, name: name, version: version)
  }

  // MARK: - What keys do

  package func encrypt(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<PublicResult>
  ) {
    service.encrypt(caller, name: name, request, plaintext: body) {
      reply($0.map { PublicResult($0) })
    }
  }

  package func decrypt(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<SecretResult>
  ) {
    service.decrypt(caller, name: name, request, ciphertext: body.bytes.revealed()) {
      reply($0.map { SecretResult($0) })
    }
  }

  package func wrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> PublicResult {
    PublicResult(try await service.wrap(caller, name: name, request, material: body))
  }

  package func unwrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> SecretResult {
    SecretResult(
      try await service.unwrap(caller, name: name, request, wrapped: body.bytes.revealed())
    )
  }

  package func sign(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> PublicResult {
    PublicResult(try await service.sign(caller, name: name, request, message: body))
  }

  package func verify(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> VerificationResult {
    try await service.verify(caller, name: name, request, message: body)
  }

  package func mac(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<PublicResult>
  ) {
    service.mac(caller, name: name, request, message: body) {
      reply($0.map { PublicResult($0) })
    }
  }

  package func macVerify(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<VerificationResult>
  ) {
    service.macVerify(caller, name: name, request, message: body, reply: reply)
  }

  package func rewrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> PublicResult {
    PublicResult(
      try await service.rewrap(caller, name: name, request, ciphertext: body.bytes.revealed())
    )
  }

  package func agree(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> SecretResult {
    SecretResult(
      try await service.agree(caller, name: name, request, peer: body.bytes.revealed())
    )
  }

  package func derive(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> SecretResult {
    SecretResult(
      try await service.derive(caller, name: name, request, info: body.bytes.revealed())
    )
  }

  // MARK: - The audit log, backup and check

  package func auditEntries(
    _ caller: Caller,
    from: UInt64,
    limit: Int
  ) async throws(ServiceError) -> AuditPage {
    try await service.auditEntries(caller, from: from, limit: limit)
  }

  package func auditCheckpoint(_ caller: Caller) async throws(ServiceError) -> CheckpointInfo {
    try await service.auditCheckpoint(caller)
  }

  package func auditProof(
    _ caller: Caller,
    index: UInt64,
    size: UInt64?
  ) async throws(ServiceError) -> ProofInfo {
    try await service.auditProof(caller, index: index, size: size)
  }

  package func auditConsistency(
    _ caller: Caller,
    from: UInt64,
    to: UInt64?
  ) async throws(ServiceError) -> ProofInfo {
    try await service.auditConsistency(caller, from: from, to: to)
  }

  package func exportAudit(_ caller: Caller) async throws(ServiceError) -> ChunkStream {
    ChunkStream(
      contentType: "application/octet-stream",
      next: try await service.exportAudit(caller)
    )
  }

  package func createBackup(_ caller: Caller) async throws(ServiceError) -> ChunkStream {
    let backup = try await service.createBackup(caller)
    return ChunkStream(
      contentType: "application/octet-stream",
      next: backup.next,
      close: backup.close
    )
  }

  package func fsck(_ caller: Caller) async throws(ServiceError) -> FsckReport {
    try await service.fsck(caller)
  }

  /// The lines of shares as one body, in the arena all the way.
  private func joined(_ lines: [SecretBox]) throws(ServiceError) -> SecretBody {
    do {
      var text = try SecretBytes(count: lines.reduce(0) { $0 + $1.bytes.count + 1 })
      text.withUnsafeMutableBytes { text in
        var offset = 0
        for line in lines {
          line.bytes.withUnsafeBytes { line in
            for (index, byte) in line.enumerated() { text[offset + index] = byte }
            offset += line.count
          }
          text[offset] = UInt8(ascii: "\n")
          offset += 1
        }
      }
      return SecretBox(text)
    } catch {
      throw ServiceError(error)
    }
  }
}

extension PublicResult {
  fileprivate init(_ answer: KeyAnswer<[UInt8]>) {
    self.init(answer.value, version: answer.version)
  }
}

extension SecretResult {
  init(_ answer: KeyAnswer<SecretBox>) {
    self.init(answer.value, version: answer.version)
  }
}
