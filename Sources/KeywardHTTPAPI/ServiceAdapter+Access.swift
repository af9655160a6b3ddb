package import KeywardModel
import KeywardService

extension ServiceAdapter {
  // MARK: - Policy

  package func policy(
    _ caller: Caller,
    revision: UInt64?
  ) async throws(ServiceError) -> PolicyText {
    try await service.policyText(caller, revision: revision)
  }

  package func policyRevisions(
    _ caller: Caller
  ) async throws(ServiceError) -> PolicyRevisionList {
    try await service.policyRevisions(caller)
  }

  package func applyPolicy(
    _ caller: Caller,
    _ request: PolicyApplyRequest
  ) async throws(ServiceError) -> PolicyPlan {
    try await service.applyPolicy(caller, request)
  }

  package func decide(
    _ caller: Caller,
    _ request: DecisionRequest,
    explaining: Bool,
    reply: @escaping Reply<DecisionAnswer>
  ) {
    service.decide(caller, request, explaining: explaining, reply: reply)
  }

  // MARK: - Approvals

  package func listApprovals(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> ApprovalPage {
    try await service.listApprovals(caller, limit: limit, cursor: cursor)
  }

  package func showApproval(
    _ caller: Caller,
    _ id: ApprovalID
  ) async throws(ServiceError) -> ApprovalInfo {
    try await service.showApproval(caller, id)
  }

  package func vote(
    _ caller: Caller,
    _ id: ApprovalID,
    isApproval: Bool
  ) async throws(ServiceError) -> ApprovalInfo {
    try await service.vote(caller, id, isApproval: isApproval)
  }

  // MARK: - The caller's own identity

  package func login(
    _ caller: Caller,
    _ request: LoginRequest,
    peer: Peer
  ) async throws(ServiceError) -> IssuedToken {
    try await service.login(caller, request, peer: peer)
  }

  package func whoAmI(_ caller: Caller) async throws(ServiceError) -> OwnIdentity {
    try await service.whoAmI(caller)
  }

  package func renewOwnToken(
    _ caller: Caller,
    increment: Int64?
  ) async throws(ServiceError) -> TokenInfo {
    try await service.renewOwnToken(caller, increment: increment)
  }

  package func revokeOwnToken(_ caller: Caller) async throws(ServiceError) -> TokenInfo {
    try await service.revokeOwnToken(caller)
  }

  // MARK: - Tokens

  package func createToken(
    _ caller: Caller,
    _ request: TokenRequest
  ) async throws(ServiceError) -> IssuedToken {
    try await service.createToken(caller, request)
  }

  package func listTokens(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> TokenPage {
    try await service.listTokens(caller, limit: limit, cursor: cursor)
  }

  package func showToken(
    _ caller: Caller,
    accessor: String
  ) async throws(ServiceError) -> TokenInfo {
    try await service.showToken(caller, accessor: accessor)
  }

  package func renewToken(
    _ caller: Caller,
    accessor: String,
    increment: Int64?
  ) async throws(ServiceError) -> TokenInfo {
    try await service.renewToken(caller, accessor: accessor, increment: increment)
  }

  package func revokeToken(
    _ caller: Caller,
    accessor: String
  ) async throws(ServiceError) -> TokenInfo {
    try await service.revokeToken(caller, accessor: accessor)
  }

  // MARK: - The registry

  package func listRegistry(
    _ caller: Caller,
    _ kind: RegistryKind,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> RegistryPage {
    try await service.listRegistry(caller, kind, limit: limit, cursor: cursor)
  }

  package func deleteRegistered(
    _ caller: Caller,
    _ kind: RegistryKind,
    _ name: RegistryName
  ) async throws(ServiceError) -> RegistryPage {
    try await service.deleteRegistered(caller, kind, name)
  }

  package func cluster(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> ClusterDocument {
    try await service.cluster(caller, name)
  }

  package func writeCluster(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: ClusterDocument
  ) async throws(ServiceError) -> ClusterDocument {
    try await service.writeCluster(caller, name, document)
  }

  package func issuer(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> IssuerDocument {
    try await service.issuer(caller, name)
  }

  package func writeIssuer(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: IssuerDocument
  ) async throws(ServiceError) -> IssuerDocument {
    try await service.writeIssuer(caller, name, document)
  }

  package func authority(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> AuthorityDocument {
    try await service.authority(caller, name)
  }

  package func writeAuthority(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: AuthorityDocument
  ) async throws(ServiceError) -> AuthorityDocument {
    try await service.writeAuthority(caller, name, document)
  }

  package func role(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> MachineRoleDocument {
    try await service.role(caller, name)
  }

  package func writeRole(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: MachineRoleDocument
  ) async throws(ServiceError) -> MachineRoleDocument {
    try await service.writeRole(caller, name, document)
  }

  package func createSecretID(
    _ caller: Caller,
    _ role: RegistryName,
    networks: [String]
  ) async throws(ServiceError) -> IssuedSecretID {
    try await service.createSecretID(caller, role, networks: networks)
  }

  package func listSecretIDs(
    _ caller: Caller,
    _ role: RegistryName
  ) async throws(ServiceError) -> SecretIDPage {
    try await service.listSecretIDs(caller, role)
  }

  package func revokeSecretID(
    _ caller: Caller,
    _ role: RegistryName,
    accessor: String
  ) async throws(ServiceError) -> SecretIDInfo {
    try await service.revokeSecretID(caller, role, accessor: accessor)
  }
}
