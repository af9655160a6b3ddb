package import KeywardCrypto
import KeywardHTTPClient
package import KeywardModel

extension KeywardClient {
  package func createKey(_ request: CreateKeyRequest) throws(ClientError) -> KeyInfo {
    try post(Query("/api/v1/keys"), json: request)
  }

  package func listKeys(
    prefix: String,
    limit: Int,
    cursor: String?,
    includingDeleted: Bool
  ) throws(ClientError) -> KeyPage {
    try get(
      Query("/api/v1/keys")
        .adding("prefix", prefix.isEmpty ? nil : prefix)
        .adding("limit", limit)
        .adding("cursor", cursor)
        .adding("deleted", includingDeleted)
    )
  }

  package func showKey(_ name: KeyName) throws(ClientError) -> KeyInfo {
    try get(Query("/api/v1/keys/\(name)"))
  }

  package func importKey(
    _ name: KeyName,
    _ request: ImportRequest,
    material: SecretBox
  ) throws(ClientError) -> KeyInfo {
    let limits = request.newKey
    var query = action(name, "import")
      .adding("format", request.format.rawValue)
      .adding("version", limits == nil ? "new" : nil)
      .adding("type", limits?.type)
      .adding("operations", limits?.operations?.joined(separator: ","))
      .adding("never_exportable", limits?.neverExportable.map { "\($0)" })
      .adding("deletion_protected", limits?.deletionProtected.map { "\($0)" })
      .adding("allowed_destinations", limits?.allowedDestinations?.joined(separator: ","))
      .adding("required_approvals", limits?.requiredApprovals)
      .adding("rotation_period", limits?.rotationPeriod)
      .adding("wrapping", request.wrapping?.algorithm.rawValue)
    switch request.wrapping?.key {
    case nil: break
    case .oneTime(let id): query = query.adding("wrapping_key", id.description)
    case .named(let name, let version):
      query =
        query
        .adding("wrapping_key_name", name.description)
        .adding("wrapping_key_version", version)
    }
    return try post(query, .secret(material))
  }

  package func makeWrappingKey(
    _ name: KeyName,
    _ request: WrappingKeyRequest
  ) throws(ClientError) -> WrappingKeyInfo {
    try post(action(name, "wrapping-key"), json: request)
  }

  package func discardWrappingKey(
    _ name: KeyName,
    _ id: WrappingKeyID
  ) throws(ClientError) -> WrappingKeyInfo {
    try post(action(name, "discard-wrapping-key").adding("wrapping_key", id.description))
  }

  package func rotateKey(_ name: KeyName) throws(ClientError) -> KeyInfo {
    try post(action(name, "rotate"))
  }

  package func updateKey(
    _ name: KeyName,
    _ request: UpdateKeyRequest
  ) throws(ClientError) -> KeyInfo {
    try post(action(name, "update"), json: request)
  }

  package func setKeyState(
    _ name: KeyName,
    version: Int,
    to state: KeyState
  ) throws(ClientError) -> KeyInfo {
    try post(action(name, "state").adding("version", version).adding("to", state.rawValue))
  }

  package func destroyKey(
    _ name: KeyName,
    version: Int?,
    after delay: Int64?
  ) throws(ClientError) -> KeyInfo {
    try post(action(name, "destroy").adding("version", version).adding("after", delay))
  }

  package func undestroyKey(_ name: KeyName, version: Int?) throws(ClientError) -> KeyInfo {
    try post(action(name, "undestroy").adding("version", version))
  }

  /// Operations whose result is public: `encrypt`, `wrap`, `sign`, `mac`, `rewrap`.
  package func transform(
    _ name: KeyName,
    _ verb: String,
    _ request: CryptoRequest,
    _ body: SecretBox
  ) throws(ClientError) -> (bytes: [UInt8], version: Int?) {
    try postOctets(crypto(name, verb, request), body)
  }

  /// Operations whose result is secret: `decrypt`, `unwrap`, `agree`, `derive`.
  package func reveal(
    _ name: KeyName,
    _ verb: String,
    _ request: CryptoRequest,
    _ body: SecretBox
  ) throws(ClientError) -> (body: SecretBox, version: Int?) {
    try postSecret(crypto(name, verb, request), body)
  }

  /// Operations whose result is an answer: `verify` and `mac-verify`.
  package func check(
    _ name: KeyName,
    _ verb: String,
    _ request: CryptoRequest,
    _ body: SecretBox
  ) throws(ClientError) -> VerificationResult {
    try post(crypto(name, verb, request), .secret(body))
  }

  private func action(_ name: KeyName, _ action: String) -> Query {
    Query("/api/v1/keys/\(name):\(action)")
  }

  private func crypto(_ name: KeyName, _ verb: String, _ request: CryptoRequest) -> Query {
    action(name, verb)
      .adding("version", request.version)
      .adding("context", request.context)
      .adding("algorithm", request.algorithm)
      .adding("hash", request.hash)
      .adding("prehashed", request.prehashed)
      .adding("signature", request.signature)
      .adding("count", request.count)
  }
}
