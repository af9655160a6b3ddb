package import KeywardCrypto
import KeywardHTTPClient
package import KeywardModel

extension KeywardClient {
  package func listDestinations(
    limit: Int,
    cursor: String?
  ) throws(ClientError) -> DestinationPage {
    try get(Query("/api/v1/destinations").adding("limit", limit).adding("cursor", cursor))
  }

  package func destination(_ name: RegistryName) throws(ClientError) -> DestinationDocument {
    try get(Query("/api/v1/destinations/\(name)"))
  }

  package func writeDestination(
    _ name: RegistryName,
    _ document: DestinationDocument
  ) throws(ClientError) -> DestinationDocument {
    try post(Query("/api/v1/destinations/\(name):write"), json: document)
  }

  package func deleteDestination(_ name: RegistryName) throws(ClientError) -> DestinationDocument {
    try post(Query("/api/v1/destinations/\(name):delete"))
  }

  package func listExports(_ filter: ExportFilter) throws(ClientError) -> ExportPage {
    try get(
      Query("/api/v1/exports")
        .adding("key", filter.key?.description)
        .adding("destination", filter.destination)
        .adding("state", filter.state)
        .adding("warnings", filter.onlyWarnings)
        .adding("limit", filter.limit)
        .adding("cursor", filter.cursor)
    )
  }

  package func showExport(_ id: ExportID) throws(ClientError) -> ExportInfo {
    try get(Query("/api/v1/exports/\(id)"))
  }

  package func prepareExport(_ request: PrepareExportRequest) throws(ClientError) -> ExportInfo {
    try post(Query("/api/v1/exports"), json: request)
  }

  /// Completes what was prepared, in its own words.
  package func completeExport(_ export: ExportInfo) throws(ClientError) -> ExportResult {
    try post(
      Query("/api/v1/exports/\(export.id):complete"),
      json: CompleteExportRequest(export)
    )
  }

  package func renewExport(
    _ id: ExportID,
    _ request: RenewExportRequest
  ) throws(ClientError) -> ExportInfo {
    try post(Query("/api/v1/exports/\(id):renew"), json: request)
  }

  package func verifyExport(_ id: ExportID) throws(ClientError) -> ExportInfo {
    try post(Query("/api/v1/exports/\(id):verify"))
  }

  package func resumeExport(_ id: ExportID) throws(ClientError) -> ExportInfo {
    try post(Query("/api/v1/exports/\(id):resume"))
  }

  package func retireExport(_ id: ExportID) throws(ClientError) -> ExportInfo {
    try post(Query("/api/v1/exports/\(id):retire"))
  }

  /// The key in a format; `input` is the public key or the password that wraps it.
  package func exportKey(
    _ name: KeyName,
    _ request: ExportKeyRequest,
    input: SecretBox
  ) throws(ClientError) -> SecretBox {
    let query = Query("/api/v1/keys/\(name):export")
      .adding("format", request.format.rawValue)
      .adding("version", request.version)
    return try postSecret(query, input).body
  }
}
