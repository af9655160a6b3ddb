package import KeywardCrypto
import KeywardHTTPClient
package import KeywardModel

extension KeywardClient {
  package func version() throws(ClientError) -> VersionInfo {
    try get(Query("/api/v1/version"))
  }

  package func status() throws(ClientError) -> SealStatus {
    try get(Query("/api/v1/status"))
  }

  /// Gives the share lines, which the server does not keep.
  package func initialize(
    _ request: SealRequest,
    passphrase: SecretBox
  ) throws(ClientError) -> SecretBox {
    try postSecret(sealQuery("init", request), passphrase).body
  }

  package func unseal(
    _ input: SecretBox,
    acceptingRollback: Bool = false
  ) throws(ClientError) -> SealStatus {
    let query = Query("/api/v1/operator/unseal")
      .adding("accept", acceptingRollback ? "rollback" : nil)
    return try post(query, .secret(input))
  }

  package func seal() throws(ClientError) -> SealStatus {
    try post(Query("/api/v1/operator/seal"))
  }

  /// Takes the shares of the seal there is, an empty line, and a new passphrase if there is one.
  package func rekey(
    _ request: SealRequest,
    input: SecretBox
  ) throws(ClientError) -> SecretBox {
    try postSecret(sealQuery("rekey", request), input).body
  }

  /// Shows the new shares to the server, which then lets go of the seal of before the rekey.
  package func confirmRekey(_ shares: SecretBox) throws(ClientError) -> SealStatus {
    try post(Query("/api/v1/operator/rekey-confirm"), .secret(shares))
  }

  /// Takes an approval rule out of the policy; only on the admin socket.
  package func liftApprovalRule(
    _ name: String,
    shares: SecretBox
  ) throws(ClientError) -> PolicyRevisionInfo {
    try post(
      Query("/api/v1/operator/lift-approval-rule").adding("rule", name),
      .secret(shares)
    )
  }

  package func rotateKeyring() throws(ClientError) -> KeyringRotation {
    try post(Query("/api/v1/operator/rotate"))
  }

  private func sealQuery(_ action: String, _ request: SealRequest) -> Query {
    Query("/api/v1/operator/\(action)")
      .adding("seal", request.seal.rawValue)
      .adding("shares", request.shares)
      .adding("threshold", request.threshold)
  }
}
