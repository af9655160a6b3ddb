import FoundationEssentials
package import KeywardCrypto
import KeywardHTTPClient
package import KeywardModel

/// Values on their way in and out are framed: see `SecretFrame`.
extension KeywardClient {
  /// Tells the server of openings of bundles that it has not seen.
  package func reportOpenings(
    _ request: ReportOpeningsRequest
  ) throws(ClientError) -> ReportedOpenings {
    try post(Query("/api/v1/bundles:report"), json: request)
  }

  /// Fetches all references of a run in one round trip.
  ///
  /// The values are in the order of ``FetchSecretsHead/lengths``: for each result in turn, each of
  /// its values that has a length. There are none if something was refused, unless the request is
  /// partial, and none for a plan. They come straight from the connection into the arena.
  package func fetchSecrets(
    _ request: FetchSecretsRequest
  ) throws(ClientError) -> (head: FetchSecretsHead, values: [SecretBox]) {
    try opened(try postForSecret(Query("/api/v1/secrets:fetch"), json: request))
  }

  /// Reads one secret by itself, which can carry an approval.
  package func readSecret(
    _ reference: SecretReference,
    environment: String?
  ) throws(ClientError) -> (head: FetchSecretsHead, values: [SecretBox]) {
    let query = action(reference.secret, "read")
      .adding("environment", environment)
      .adding("version", reference.version)
      .adding("field", reference.field?.description)
    return try opened(try postForSecret(query))
  }

  /// Writes a version; `values` are those of `request.fields`, in their order.
  package func putSecret(
    _ name: SecretName,
    _ request: PutSecretRequest,
    values: [SecretBox]
  ) throws(ClientError) -> SecretWritten {
    let head = try encode(request)
    let frame: SecretBytes
    do {
      frame = try SecretFrame.write(head: head, values: values)
    } catch {
      throw Self.outOfSecureMemory
    }
    return try post(action(name, "put"), .secret(SecretBox(frame)))
  }

  package func rollbackSecret(
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) throws(ClientError) -> SecretWritten {
    try post(action(name, "rollback"), json: request)
  }

  package func promoteSecret(
    _ name: SecretName,
    _ request: PromoteSecretRequest
  ) throws(ClientError) -> SecretWritten {
    try post(action(name, "promote"), json: request)
  }

  package func deleteSecret(
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) throws(ClientError) -> SecretInfo {
    try post(action(name, "delete"), json: request)
  }

  package func undeleteSecret(
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) throws(ClientError) -> SecretInfo {
    try post(action(name, "undelete"), json: request)
  }

  package func destroySecret(
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) throws(ClientError) -> SecretInfo {
    try post(action(name, "destroy"), json: request)
  }

  package func showSecret(
    _ name: SecretName,
    environment: String?
  ) throws(ClientError) -> SecretInfo {
    try get(Query("/api/v1/secrets/\(name)").adding("environment", environment))
  }

  package func listSecrets(
    environment: String?,
    project: String?,
    search: String?,
    limit: Int,
    cursor: String?,
    includingGone: Bool
  ) throws(ClientError) -> SecretPage {
    try get(
      Query("/api/v1/secrets")
        .adding("environment", environment)
        .adding("project", project)
        .adding("search", search)
        .adding("limit", limit)
        .adding("cursor", cursor)
        .adding("gone", includingGone)
    )
  }

  package func compareSecrets(
    from: EnvironmentName,
    to: EnvironmentName,
    project: String?
  ) throws(ClientError) -> SecretDifference {
    try get(
      Query("/api/v1/secrets:diff")
        .adding("from", from.description)
        .adding("to", to.description)
        .adding("project", project)
    )
  }

  /// Times in seconds.
  package func reportSecrets(
    environment: String?,
    unusedFor: Int64?,
    olderThan: Int64?
  ) throws(ClientError) -> SecretReport {
    try get(
      Query("/api/v1/secrets:report")
        .adding("environment", environment)
        .adding("unused_for", unusedFor)
        .adding("older_than", olderThan)
    )
  }

  // MARK: - Environments

  package func listEnvironments() throws(ClientError) -> EnvironmentList {
    try get(Query("/api/v1/environments"))
  }

  package func environment(_ name: EnvironmentName) throws(ClientError) -> EnvironmentDocument {
    try get(Query("/api/v1/environments/\(name)"))
  }

  package func writeEnvironment(
    _ name: EnvironmentName,
    _ document: EnvironmentDocument
  ) throws(ClientError) -> EnvironmentDocument {
    try post(Query("/api/v1/environments/\(name):write"), json: document)
  }

  package func deleteEnvironment(
    _ name: EnvironmentName
  ) throws(ClientError) -> EnvironmentDocument {
    try post(Query("/api/v1/environments/\(name):delete"))
  }

  // MARK: - Steps

  private func action(_ name: SecretName, _ verb: String) -> Query {
    Query("/api/v1/secrets/\(name):\(verb)")
  }

  private func opened(
    _ frame: SecretBox
  ) throws(ClientError) -> (head: FetchSecretsHead, values: [SecretBox]) {
    do throws(CryptoError) {
      let bytes = try SecretFrame.head(of: frame.bytes, limit: SecretLimits.headBytes)
      guard let head = try? JSONDecoder().decode(FetchSecretsHead.self, from: Data(bytes)) else {
        throw .invalidInput("head")
      }
      let values = try SecretFrame.values(
        of: frame.bytes,
        headCount: bytes.count,
        lengths: head.lengths
      )
      return (head, values)
    } catch .outOfSecureMemory {
      throw Self.outOfSecureMemory
    } catch {
      throw .unintelligible(reason: "the answer is no frame of values")
    }
  }
}
