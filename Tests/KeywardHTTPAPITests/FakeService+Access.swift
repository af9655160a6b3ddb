import KeywardHTTPAPI
import KeywardModel

/// Policy, approvals and identities of the fake: everything is empty, and everybody may.
extension FakeService {
  func authorizeRepetition(_ caller: Caller, of name: KeyName) async throws(ServiceError) {}

  func policy(_ caller: Caller, revision: UInt64?) async throws(ServiceError) -> PolicyText {
    try await enter(caller)
    return PolicyText(revision: Self.revision, documents: [], officerUIDs: [0])
  }

  func policyRevisions(_ caller: Caller) async throws(ServiceError) -> PolicyRevisionList {
    try await enter(caller)
    return PolicyRevisionList(revisions: [Self.revision])
  }

  func applyPolicy(
    _ caller: Caller,
    _ request: PolicyApplyRequest
  ) async throws(ServiceError) -> PolicyPlan {
    try await enter(caller)
    return PolicyPlan(
      base: 0,
      revision: nil,
      changes: [],
      gained: [],
      lost: [],
      isExact: true,
      warnings: []
    )
  }

  func decide(
    _ caller: Caller,
    _ request: DecisionRequest,
    explaining: Bool,
    reply: @escaping Reply<DecisionAnswer>
  ) {
    later(reply) { () throws(ServiceError) in
      try await self.enter(caller)
      return DecisionAnswer(allowed: true, rule: "fake", approvals: [], explanation: [])
    }
  }

  func listApprovals(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> ApprovalPage {
    try await enter(caller)
    return ApprovalPage(approvals: [], nextCursor: nil)
  }

  func showApproval(_ caller: Caller, _ id: ApprovalID) async throws(ServiceError) -> ApprovalInfo {
    try await enter(caller)
    return approval(caller, id, "pending")
  }

  func vote(
    _ caller: Caller,
    _ id: ApprovalID,
    isApproval: Bool
  ) async throws(ServiceError) -> ApprovalInfo {
    try await enter(caller)
    return approval(caller, id, isApproval ? "approved" : "denied")
  }

  func login(
    _ caller: Caller,
    _ request: LoginRequest,
    peer: Peer
  ) async throws(ServiceError) -> IssuedToken {
    try await enter(caller)
    return IssuedToken(token: "kwt_fake", info: token(caller))
  }

  func whoAmI(_ caller: Caller) async throws(ServiceError) -> OwnIdentity {
    try await enter(caller)
    return OwnIdentity(
      principal: PrincipalInfo(caller.principal),
      token: nil,
      transport: caller.transport.rawValue,
      address: caller.source?.description
    )
  }

  func renewOwnToken(_ caller: Caller, increment: Int64?) async throws(ServiceError) -> TokenInfo {
    try await enter(caller)
    return token(caller)
  }

  func revokeOwnToken(_ caller: Caller) async throws(ServiceError) -> TokenInfo {
    try await enter(caller)
    return token(caller)
  }

  func createToken(
    _ caller: Caller,
    _ request: TokenRequest
  ) async throws(ServiceError) -> IssuedToken {
    try await enter(caller)
    return IssuedToken(token: "kwt_fake", info: token(caller))
  }

  func listTokens(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> TokenPage {
    try await enter(caller)
    return TokenPage(tokens: [token(caller)], nextCursor: nil)
  }

  func showToken(_ caller: Caller, accessor: String) async throws(ServiceError) -> TokenInfo {
    try await enter(caller)
    return token(caller)
  }

  func renewToken(
    _ caller: Caller,
    accessor: String,
    increment: Int64?
  ) async throws(ServiceError) -> TokenInfo {
    try await enter(caller)
    return token(caller)
  }

  func revokeToken(_ caller: Caller, accessor: String) async throws(ServiceError) -> TokenInfo {
    try await enter(caller)
    return token(caller)
  }

  func listRegistry(
    _ caller: Caller,
    _ kind: RegistryKind,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> RegistryPage {
    try await enter(caller)
    return RegistryPage(names: ["one"], nextCursor: nil)
  }

  func deleteRegistered(
    _ caller: Caller,
    _ kind: RegistryKind,
    _ name: RegistryName
  ) async throws(ServiceError) -> RegistryPage {
    try await enter(caller)
    return RegistryPage(names: [name.description], nextCursor: nil)
  }

  func cluster(_ caller: Caller, _ name: RegistryName) async throws(ServiceError) -> ClusterDocument
  {
    try await enter(caller)
    return ClusterDocument(name: name.description)
  }

  func writeCluster(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: ClusterDocument
  ) async throws(ServiceError) -> ClusterDocument {
    try await enter(caller)
    return document
  }

  func issuer(_ caller: Caller, _ name: RegistryName) async throws(ServiceError) -> IssuerDocument {
    try await enter(caller)
    return IssuerDocument(
      name: name.description,
      preset: "github",
      url: "https://issuer.example",
      audiences: ["keyward"],
      discovery: true
    )
  }

  func writeIssuer(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: IssuerDocument
  ) async throws(ServiceError) -> IssuerDocument {
    try await enter(caller)
    return document
  }

  func authority(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> AuthorityDocument {
    try await enter(caller)
    throw ServiceError(.notFound, "The fake has no authority.")
  }

  func writeAuthority(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: AuthorityDocument
  ) async throws(ServiceError) -> AuthorityDocument {
    try await enter(caller)
    return document
  }

  func role(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> MachineRoleDocument {
    try await enter(caller)
    return MachineRoleDocument(name: name.description)
  }

  func writeRole(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: MachineRoleDocument
  ) async throws(ServiceError) -> MachineRoleDocument {
    try await enter(caller)
    return document
  }

  func createSecretID(
    _ caller: Caller,
    _ role: RegistryName,
    networks: [String]
  ) async throws(ServiceError) -> IssuedSecretID {
    try await enter(caller)
    return IssuedSecretID(roleID: "r", secretID: "kws_fake", info: secretID(role))
  }

  func listSecretIDs(
    _ caller: Caller,
    _ role: RegistryName
  ) async throws(ServiceError) -> SecretIDPage {
    try await enter(caller)
    return SecretIDPage(secretIDs: [secretID(role)])
  }

  func revokeSecretID(
    _ caller: Caller,
    _ role: RegistryName,
    accessor: String
  ) async throws(ServiceError) -> SecretIDInfo {
    try await enter(caller)
    return secretID(role)
  }

  private static let revision = PolicyRevisionInfo(
    revision: 0,
    createdAt: nil,
    author: nil,
    documents: 0
  )

  private func token(_ caller: Caller) -> TokenInfo {
    TokenInfo(
      accessor: "acc-fake",
      principal: PrincipalInfo(caller.principal),
      createdAt: "",
      expiresAt: "",
      maximumExpiresAt: "",
      renewable: true,
      usesLeft: nil,
      networks: [],
      certificateSHA256: nil
    )
  }

  private func secretID(_ role: RegistryName) -> SecretIDInfo {
    SecretIDInfo(
      accessor: "sid-fake",
      role: role.description,
      createdAt: "",
      expiresAt: "",
      usesLeft: nil,
      networks: []
    )
  }

  private func approval(_ caller: Caller, _ id: ApprovalID, _ state: String) -> ApprovalInfo {
    ApprovalInfo(
      id: id.description,
      state: state,
      requester: PrincipalInfo(caller.principal),
      operation: "key:sign",
      resource: "keys/k",
      reached: [ApprovalInfo.Reached(operation: "key:unwrap", resource: "keys/kek")],
      request: "",
      requestDigest: "",
      createdAt: "",
      expiresAt: "",
      votes: [],
      requirements: []
    )
  }
}
