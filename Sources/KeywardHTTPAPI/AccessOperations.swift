package import KeywardModel

/// The part of the API that says who may do what: policy, approvals, identities, tokens.
///
/// The rules of ``AdminOperations`` count here too.
package protocol AccessOperations: Sendable {
  // Policy.

  /// A revision of the policy; the newest without a number.
  func policy(_ caller: Caller, revision: UInt64?) async throws(ServiceError) -> PolicyText
  func policyRevisions(_ caller: Caller) async throws(ServiceError) -> PolicyRevisionList
  func applyPolicy(
    _ caller: Caller,
    _ request: PolicyApplyRequest
  ) async throws(ServiceError) -> PolicyPlan
  /// Whether somebody may do something and, with `explaining`, why.
  func decide(
    _ caller: Caller,
    _ request: DecisionRequest,
    explaining: Bool,
    reply: @escaping Reply<DecisionAnswer>
  )

  // Approvals.

  func listApprovals(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> ApprovalPage
  func showApproval(_ caller: Caller, _ id: ApprovalID) async throws(ServiceError) -> ApprovalInfo
  func vote(
    _ caller: Caller,
    _ id: ApprovalID,
    isApproval: Bool
  ) async throws(ServiceError) -> ApprovalInfo

  // The caller's own identity.

  /// Exchanges a credential for a token; `peer` has the certificate of the connection.
  func login(
    _ caller: Caller,
    _ request: LoginRequest,
    peer: Peer
  ) async throws(ServiceError) -> IssuedToken
  func whoAmI(_ caller: Caller) async throws(ServiceError) -> OwnIdentity
  func renewOwnToken(
    _ caller: Caller,
    increment: Int64?
  ) async throws(ServiceError) -> TokenInfo
  func revokeOwnToken(_ caller: Caller) async throws(ServiceError) -> TokenInfo

  // Tokens.

  func createToken(
    _ caller: Caller,
    _ request: TokenRequest
  ) async throws(ServiceError) -> IssuedToken
  func listTokens(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> TokenPage
  func showToken(_ caller: Caller, accessor: String) async throws(ServiceError) -> TokenInfo
  func renewToken(
    _ caller: Caller,
    accessor: String,
    increment: Int64?
  ) async throws(ServiceError) -> TokenInfo
  func revokeToken(_ caller: Caller, accessor: String) async throws(ServiceError) -> TokenInfo

  // The registry.

  func listRegistry(
    _ caller: Caller,
    _ kind: RegistryKind,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> RegistryPage
  func deleteRegistered(
    _ caller: Caller,
    _ kind: RegistryKind,
    _ name: RegistryName
  ) async throws(ServiceError) -> RegistryPage
  func cluster(_ caller: Caller, _ name: RegistryName) async throws(ServiceError) -> ClusterDocument
  func writeCluster(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: ClusterDocument
  ) async throws(ServiceError) -> ClusterDocument
  func issuer(_ caller: Caller, _ name: RegistryName) async throws(ServiceError) -> IssuerDocument
  func writeIssuer(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: IssuerDocument
  ) async throws(ServiceError) -> IssuerDocument
  func authority(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> AuthorityDocument
  func writeAuthority(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: AuthorityDocument
  ) async throws(ServiceError) -> AuthorityDocument
  func role(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> MachineRoleDocument
  func writeRole(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: MachineRoleDocument
  ) async throws(ServiceError) -> MachineRoleDocument
  func createSecretID(
    _ caller: Caller,
    _ role: RegistryName,
    networks: [String]
  ) async throws(ServiceError) -> IssuedSecretID
  func listSecretIDs(
    _ caller: Caller,
    _ role: RegistryName
  ) async throws(ServiceError) -> SecretIDPage
  func revokeSecretID(
    _ caller: Caller,
    _ role: RegistryName,
    accessor: String
  ) async throws(ServiceError) -> SecretIDInfo
}
