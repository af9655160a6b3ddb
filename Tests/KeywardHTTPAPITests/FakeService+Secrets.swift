import KeywardHTTPAPI
import KeywardModel

/// Secrets of the fake: everything is empty, and everybody may.
extension FakeService {
  private static let document = EnvironmentDocument(name: "dev", production: false)

  func listEnvironments(_ caller: Caller) async throws(ServiceError) -> EnvironmentList {
    try await enter(caller)
    return EnvironmentList(environments: [])
  }

  func environment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await enter(caller)
    return Self.document
  }

  func writeEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName,
    _ document: EnvironmentDocument
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await enter(caller)
    return document
  }

  func deleteEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await enter(caller)
    return Self.document
  }

  func listSecrets(
    _ caller: Caller,
    _ query: SecretListing
  ) async throws(ServiceError) -> SecretPage {
    try await enter(caller)
    return SecretPage(secrets: [], nextCursor: nil)
  }

  func reportOpenings(
    _ caller: Caller,
    _ request: ReportOpeningsRequest
  ) async throws(ServiceError) -> ReportedOpenings {
    try await enter(caller)
    return ReportedOpenings(recorded: 0)
  }

  func fetchSecrets(
    _ caller: Caller,
    _ request: FetchSecretsRequest
  ) async throws(ServiceError) -> SecretParcel {
    try await enter(caller)
    return Self.parcel
  }

  func compareSecrets(
    _ caller: Caller,
    from: EnvironmentName,
    to: EnvironmentName,
    project: String?
  ) async throws(ServiceError) -> SecretDifference {
    try await enter(caller)
    return SecretDifference(
      from: from.description,
      to: to.description,
      differences: [],
      same: 0
    )
  }

  func reportSecrets(
    _ caller: Caller,
    environment: EnvironmentName?,
    unusedFor: Int64,
    olderThan: Int64
  ) async throws(ServiceError) -> SecretReport {
    try await enter(caller)
    return SecretReport(lines: [])
  }

  func showSecret(
    _ caller: Caller,
    _ name: SecretName,
    environment: String?
  ) async throws(ServiceError) -> SecretInfo {
    try await info(caller, name)
  }

  func readSecret(
    _ caller: Caller,
    _ reference: SecretReference,
    environment: String?
  ) async throws(ServiceError) -> SecretParcel {
    try await enter(caller)
    return Self.parcel
  }

  func putSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PutSecretRequest,
    values: [SecretBody]
  ) async throws(ServiceError) -> SecretWritten {
    try await written(caller, name)
  }

  func rollbackSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretWritten {
    try await written(caller, name)
  }

  func promoteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PromoteSecretRequest
  ) async throws(ServiceError) -> SecretWritten {
    try await written(caller, name)
  }

  func deleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await info(caller, name)
  }

  func undeleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await info(caller, name)
  }

  func destroySecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await info(caller, name)
  }

  private static let parcel = SecretParcel(
    head: FetchSecretsHead(
      environment: "dev",
      environmentSource: .request,
      isProduction: false,
      isComplete: true,
      results: []
    ),
    values: []
  )

  private func info(_ caller: Caller, _ name: SecretName) async throws(ServiceError) -> SecretInfo {
    try await enter(caller)
    guard let id = SecretID(random: [UInt8](repeating: 0, count: 16)),
      let environment = try? EnvironmentName("dev")
    else { throw ServiceError(.internalError, "A fixture is none.") }
    let now = Timestamp(milliseconds: 0)
    let secret = Secret(
      id: id,
      environment: environment,
      name: name,
      kind: .generic,
      createdAt: now
    )
    return SecretInfo(secret, at: now)
  }

  private func written(
    _ caller: Caller,
    _ name: SecretName
  ) async throws(ServiceError) -> SecretWritten {
    SecretWritten(secret: try await info(caller, name), reused: [])
  }
}
