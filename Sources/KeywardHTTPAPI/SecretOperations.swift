package import KeywardModel

/// The part of the API about secrets and environments.
///
/// The rules of ``AdminOperations`` count here too.
package protocol SecretOperations: Sendable {
  func listEnvironments(_ caller: Caller) async throws(ServiceError) -> EnvironmentList
  func environment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument
  func writeEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName,
    _ document: EnvironmentDocument
  ) async throws(ServiceError) -> EnvironmentDocument
  func deleteEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument

  func listSecrets(
    _ caller: Caller,
    _ query: SecretListing
  ) async throws(ServiceError) -> SecretPage
  /// The values of all references, or a plan, as one frame.
  func fetchSecrets(
    _ caller: Caller,
    _ request: FetchSecretsRequest
  ) async throws(ServiceError) -> SecretParcel
  func reportOpenings(
    _ caller: Caller,
    _ request: ReportOpeningsRequest
  ) async throws(ServiceError) -> ReportedOpenings
  func compareSecrets(
    _ caller: Caller,
    from: EnvironmentName,
    to: EnvironmentName,
    project: String?
  ) async throws(ServiceError) -> SecretDifference
  /// Times in seconds.
  func reportSecrets(
    _ caller: Caller,
    environment: EnvironmentName?,
    unusedFor: Int64,
    olderThan: Int64
  ) async throws(ServiceError) -> SecretReport
  func showSecret(
    _ caller: Caller,
    _ name: SecretName,
    environment: String?
  ) async throws(ServiceError) -> SecretInfo
  func readSecret(
    _ caller: Caller,
    _ reference: SecretReference,
    environment: String?
  ) async throws(ServiceError) -> SecretParcel
  func putSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PutSecretRequest,
    values: [SecretBody]
  ) async throws(ServiceError) -> SecretWritten
  func rollbackSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretWritten
  func promoteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PromoteSecretRequest
  ) async throws(ServiceError) -> SecretWritten
  func deleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo
  func undeleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo
  func destroySecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo
}

/// The parameters of a list of secrets.
package struct SecretListing: Hashable, Sendable {
  package var environment: EnvironmentName?
  package var project: String?
  /// A part of the name.
  package var search: String?
  package var limit: Int
  package var cursor: String?
  /// Whether secrets of which only the history is left are in it.
  package var includesGone: Bool

  package init(
    environment: EnvironmentName?,
    project: String?,
    search: String?,
    limit: Int,
    cursor: String?,
    includesGone: Bool
  ) {
    self.environment = environment
    self.project = project
    self.search = search
    self.limit = limit
    self.cursor = cursor
    self.includesGone = includesGone
  }
}

/// A head and secret values, on their way into one frame.
package struct SecretParcel: Sendable {
  package let head: FetchSecretsHead
  package let values: [SecretBody]

  package init(head: FetchSecretsHead, values: [SecretBody]) {
    self.head = head
    self.values = values
  }
}
