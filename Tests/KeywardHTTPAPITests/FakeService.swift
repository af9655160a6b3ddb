import KeywardCrypto
import KeywardHTTPAPI
import KeywardModel
import Synchronization
import Testing

/// An `AdminOperations` that keeps what it was asked and answers from a script.
final class FakeService: AdminOperations {
  struct State {
    var callers: [Caller] = []
    var bodies: [[UInt8]] = []
    var created: [CreateKeyRequest] = []
    var crypto: [CryptoRequest] = []
    var imports: [ImportRequest] = []
    var error: ServiceError?
    var delay: Duration?
    var running = 0
    var mostRunning = 0
    var chunks = 0
    var closedStreams = 0
  }

  let state = Mutex(State())

  func fail(with error: ServiceError) { state.withLock { $0.error = error } }

  func enter(_ caller: Caller, _ body: SecretBody? = nil) async throws(ServiceError) {
    let (error, delay) = state.withLock { state in
      state.callers.append(caller)
      if let body { state.bodies.append(body.bytes.revealed()) }
      state.running += 1
      state.mostRunning = max(state.mostRunning, state.running)
      return (state.error, state.delay)
    }
    if let delay { try? await Task.sleep(for: delay) }
    state.withLock { $0.running -= 1 }
    if let error { throw error }
  }

  private func secret(_ text: String) throws(ServiceError) -> SecretBody {
    do {
      return SecretBody(try SecretBytes.fixture(Array(text.utf8)))
    } catch {
      throw ServiceError(.internalError, "fixture")
    }
  }

  private let key: Key

  init() throws {
    key = Key(
      id: try #require(KeyID([UInt8](repeating: 1, count: 16))),
      name: try KeyName("etcd/prod-eu"),
      type: .aes256,
      attributes: KeyAttributes(operations: [.encrypt, .decrypt]),
      createdAt: Timestamp(milliseconds: 0),
      versions: []
    )
  }

  private var info: KeyInfo { KeyInfo(key) }

  let version = "0.1.0"

  func authorizeFigures(_ caller: Caller) async throws(ServiceError) { try await enter(caller) }

  func readiness() async -> Readiness {
    let isSealed = state.withLock { $0.error?.code == .sealed }
    return Readiness(isReady: !isSealed, reason: isSealed ? "sealed" : "")
  }

  func status(_ caller: Caller) async throws(ServiceError) -> SealStatus {
    try await enter(caller)
    return SealStatus(initialized: true, sealed: false, version: "0.1.0", startedAt: "")
  }

  func initialize(
    _ caller: Caller,
    _ request: SealRequest,
    passphrase: SecretBody
  ) async throws(ServiceError) -> SecretBody {
    try await enter(caller, passphrase)
    return try secret("share-1\nshare-2\n")
  }

  func unseal(
    _ caller: Caller,
    input: SecretBody,
    acceptingRollback: Bool
  ) async throws(ServiceError) -> SealStatus {
    try await enter(caller, input)
    return try await status(caller)
  }

  func seal(_ caller: Caller) async throws(ServiceError) -> SealStatus { try await status(caller) }

  func rekey(
    _ caller: Caller,
    _ request: SealRequest,
    current: SecretBody,
    passphrase: SecretBody
  ) async throws(ServiceError) -> SecretBody {
    try await enter(caller, current)
    try await enter(caller, passphrase)
    return try secret("share-3\n")
  }

  func liftApprovalRule(
    _ caller: Caller,
    _ name: String,
    shares: SecretBody
  ) async throws(ServiceError) -> PolicyRevisionInfo {
    try await enter(caller, shares)
    return PolicyRevisionInfo(revision: 2, createdAt: nil, author: name, documents: 0)
  }

  func confirmRekey(
    _ caller: Caller,
    shares: SecretBody
  ) async throws(ServiceError) -> SealStatus {
    try await enter(caller, shares)
    return try await status(caller)
  }

  func rotateKeyring(_ caller: Caller) async throws(ServiceError) -> KeyringRotation {
    try await enter(caller)
    return KeyringRotation(keyringTerm: 2, rewrapPending: 10)
  }

  func listKeys(_ caller: Caller, _ query: KeyQuery) async throws(ServiceError) -> KeyPage {
    try await enter(caller)
    return KeyPage(keys: [KeyInfo(key, listing: .none)], nextCursor: nil)
  }

  func createKey(
    _ caller: Caller,
    _ request: CreateKeyRequest
  ) async throws(ServiceError) -> KeyInfo {
    state.withLock { $0.created.append(request) }
    try await enter(caller)
    _ = try request.parsed()
    return info
  }

  func showKey(_ caller: Caller, _ name: KeyName) async throws(ServiceError) -> KeyInfo {
    try await enter(caller)
    return info
  }

  func importKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: ImportRequest,
    material: SecretBody
  ) async throws(ServiceError) -> KeyInfo {
    state.withLock { $0.imports.append(request) }
    try await enter(caller, material)
    return info
  }

  func makeWrappingKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: WrappingKeyRequest
  ) async throws(ServiceError) -> WrappingKeyInfo {
    try await enter(caller)
    return wrappingKey("once:aaaaaaaaaaaaaaaaaaaaaaaaaa", name, try request.parsed().type)
  }

  func discardWrappingKey(
    _ caller: Caller,
    _ name: KeyName,
    _ id: WrappingKeyID
  ) async throws(ServiceError) -> WrappingKeyInfo {
    try await enter(caller)
    return wrappingKey(id.description, name, .rsa4096)
  }

  private func wrappingKey(_ id: String, _ name: KeyName, _ type: KeyType) -> WrappingKeyInfo {
    WrappingKeyInfo(
      id: id,
      key: name.description,
      type: type,
      publicKey: "AA==",
      fingerprint: "00",
      algorithms: ImportWrapping.Algorithm.ofOneTimeKeys,
      createdAt: "2026-11-28T00:00:00.000Z",
      validUntil: "2026-11-28T01:00:00.000Z"
    )
  }

  func rotateKey(_ caller: Caller, _ name: KeyName) async throws(ServiceError) -> KeyInfo {
    try await enter(caller)
    return info
  }

  func updateKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: UpdateKeyRequest
  ) async throws(ServiceError) -> KeyInfo {
    try await enter(caller)
    return info
  }

  func setKeyState(
    _ caller: Caller,
    _ name: KeyName,
    version: Int,
    to state: KeyState
  ) async throws(ServiceError) -> KeyInfo {
    try await enter(caller)
    return info
  }

  func destroyKey(
    _ caller: Caller,
    _ name: KeyName,
    version: Int?,
    after delay: Int64?
  ) async throws(ServiceError) -> KeyInfo {
    try await enter(caller)
    return info
  }

  func undestroyKey(
    _ caller: Caller,
    _ name: KeyName,
    version: Int?
  ) async throws(ServiceError) -> KeyInfo {
    try await enter(caller)
    return info
  }

  /// Answers with the body itself, reversed.
  private func reverse(
    _ caller: Caller,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> PublicResult {
    state.withLock { $0.crypto.append(request) }
    try await enter(caller, body)
    return PublicResult(body.bytes.revealed().reversed(), version: 3)
  }

  /// Replies from another thread, as the service does after a commit, or at once with the error that
  /// it is to have, as a sealed one does.
  func later<Value: Sendable>(
    _ reply: @escaping Reply<Value>,
    _ work: @escaping @Sendable () async throws(ServiceError) -> Value
  ) {
    if let error = state.withLock({ $0.error }) { return reply(.failure(error)) }
    Task {
      do throws(ServiceError) {
        reply(.success(try await work()))
      } catch {
        reply(.failure(error))
      }
    }
  }

  private func reversed(
    _ caller: Caller,
    _ request: CryptoRequest,
    _ body: SecretBody
  ) async throws(ServiceError) -> SecretResult {
    let result = try await reverse(caller, request, body)
    do {
      return SecretResult(SecretBody(try SecretBytes.fixture(result.bytes)), version: 3)
    } catch {
      throw ServiceError(.internalError, "fixture")
    }
  }

  func encrypt(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<PublicResult>
  ) {
    later(reply) { () throws(ServiceError) in try await self.reverse(caller, request, body) }
  }
  func decrypt(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<SecretResult>
  ) {
    later(reply) { () throws(ServiceError) in try await self.reversed(caller, request, body) }
  }
  func wrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> PublicResult
  { try await reverse(caller, request, body) }
  func unwrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> SecretResult
  { try await reversed(caller, request, body) }
  func sign(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> PublicResult
  { try await reverse(caller, request, body) }
  func verify(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> VerificationResult
  {
    let result = try await reverse(caller, request, body)
    return VerificationResult(valid: result.bytes == request.signature, version: 3)
  }
  func mac(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<PublicResult>
  ) {
    later(reply) { () throws(ServiceError) in try await self.reverse(caller, request, body) }
  }
  func macVerify(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody,
    reply: @escaping Reply<VerificationResult>
  ) {
    later(reply) { () throws(ServiceError) in try await self.verify(caller, name, request, body) }
  }
  func rewrap(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> PublicResult
  { try await reverse(caller, request, body) }
  func agree(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> SecretResult
  { try await reversed(caller, request, body) }
  func derive(
    _ caller: Caller,
    _ name: KeyName,
    _ request: CryptoRequest,
    _ body: SecretBody
  )
    async throws(ServiceError) -> SecretResult
  { try await reversed(caller, request, body) }

  func auditEntries(
    _ caller: Caller,
    from: UInt64,
    limit: Int
  ) async throws(ServiceError) -> AuditPage {
    try await enter(caller)
    return AuditPage(entries: [], size: from, next: nil)
  }

  func auditCheckpoint(_ caller: Caller) async throws(ServiceError) -> CheckpointInfo {
    try await enter(caller)
    return CheckpointInfo(size: 1, rootHash: "00", note: "note", verifierKey: "key")
  }

  func auditProof(
    _ caller: Caller,
    index: UInt64,
    size: UInt64?
  ) async throws(ServiceError) -> ProofInfo {
    try await enter(caller)
    return ProofInfo(index: index, size: size ?? 1, rootHash: "00", hashes: [])
  }

  func auditConsistency(
    _ caller: Caller,
    from: UInt64,
    to: UInt64?
  ) async throws(ServiceError) -> ProofInfo {
    try await enter(caller)
    return ProofInfo(from: from, size: to ?? 1, rootHash: "00", hashes: [])
  }

  /// Ten pieces of 100,000 bytes, and an error after the third when one is scripted.
  private func stream(_ count: Int, _ failure: ServiceError?) -> ChunkStream {
    let pulled = Mutex(0)
    return ChunkStream(contentType: "application/octet-stream") { () throws(ServiceError) in
      let index = pulled.withLock { index in
        defer { index += 1 }
        return index
      }
      self.state.withLock { $0.chunks += 1 }
      if index == 3, let failure { throw failure }
      return index < count ? [UInt8](repeating: UInt8(index & 255), count: 100_000) : nil
    } close: {
      self.state.withLock { $0.closedStreams += 1 }
    }
  }

  func exportAudit(_ caller: Caller) async throws(ServiceError) -> ChunkStream {
    stream(1000, state.withLock { $0.error })
  }

  func createBackup(_ caller: Caller) async throws(ServiceError) -> ChunkStream {
    stream(10, state.withLock { $0.error })
  }

  func fsck(_ caller: Caller) async throws(ServiceError) -> FsckReport {
    try await enter(caller)
    return FsckReport(authenticated: true, checked: ["keys": 1], findings: [])
  }
}
