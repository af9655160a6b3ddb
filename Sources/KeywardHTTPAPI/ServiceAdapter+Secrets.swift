package import KeywardModel
import KeywardService

extension ServiceAdapter {
  package func listEnvironments(_ caller: Caller) async throws(ServiceError) -> EnvironmentList {
    try await service.listEnvironments(caller)
  }

  package func environment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await service.environment(caller, name)
  }

  package func writeEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName,
    _ document: EnvironmentDocument
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await service.writeEnvironment(caller, name, document)
  }

  package func deleteEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await service.deleteEnvironment(caller, name)
  }

  package func listSecrets(
    _ caller: Caller,
    _ query: SecretListing
  ) async throws(ServiceError) -> SecretPage {
    try await service.listSecrets(
      caller,
      SecretQuery(
        environment: query.environment,
        project: query.project,
        search: query.search,
        limit: query.limit,
        cursor: query.cursor,
        includesGone: query.includesGone
      )
    )
  }

  package func fetchSecrets(
    _ caller: Caller,
    _ request: FetchSecretsRequest
  ) async throws(ServiceError) -> SecretParcel {
    let fetched = try await service.fetchSecrets(caller, request)
    return SecretParcel(head: fetched.head, values: fetched.values)
  }

  package func reportOpenings(
    _ caller: Caller,
    _ request: ReportOpeningsRequest
  ) async throws(ServiceError) -> ReportedOpenings {
    try await service.reportOpenings(caller, request)
  }

  package func compareSecrets(
    _ caller: Caller,
    from: EnvironmentName,
    to: EnvironmentName,
    project: String?
  ) async throws(ServiceError) -> SecretDifference {
    try await service.compareSecrets(caller, from: from, to: to, project: project)
  }

  package func reportSecrets(
    _ caller: Caller,
    environment: EnvironmentName?,
    unusedFor: Int64,
    olderThan: Int64
  ) async throws(ServiceError) -> SecretReport {
    try await service.reportSecrets(
      caller,
      environment: environment,
      unusedFor: unusedFor,
      olderThan: olderThan
    )
  }

  package func showSecret(
    _ caller: Caller,
    _ name: SecretName,
    environment: String?
  ) async throws(ServiceError) -> SecretInfo {
    try await service.showSecret(caller, name, environment: environment)
  }

  package func readSecret(
    _ caller: Caller,
    _ reference: SecretReference,
    environment: String?
  ) async throws(ServiceError) -> SecretParcel {
    let fetched = try await service.readSecret(caller, reference, environment: environment)
    return SecretParcel(head: fetched.head, values: fetched.values)
  }

  package func putSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PutSecretRequest,
    values: [SecretBody]
  ) async throws(ServiceError) -> SecretWritten {
    try await service.putSecret(caller, name, request, values: values)
  }

  package func rollbackSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretWritten {
    try await service.rollbackSecret(caller, name, request)
  }

  package func promoteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PromoteSecretRequest
  ) async throws(ServiceError) -> SecretWritten {
    try await service.promoteSecret(caller, name, request)
  }

  package func deleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await service.deleteSecret(caller, name, request)
  }

  package func undeleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await service.undeleteSecret(caller, name, request)
  }

  package func destroySecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await service.destroySecret(caller, name, request)
  }
}
