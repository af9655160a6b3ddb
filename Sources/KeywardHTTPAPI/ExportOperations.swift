package import KeywardModel

/// Destinations and exports as the transport sees them.
package protocol ExportOperations: Sendable {
  func listDestinations(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> DestinationPage
  func destination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument
  func writeDestination(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: DestinationDocument
  ) async throws(ServiceError) -> DestinationDocument
  func deleteDestination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument

  func listExports(
    _ caller: Caller,
    _ filter: ExportFilter
  ) async throws(ServiceError) -> ExportPage
  func showExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo
  func prepareExport(
    _ caller: Caller,
    _ request: PrepareExportRequest
  ) async throws(ServiceError) -> ExportInfo
  func completeExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: CompleteExportRequest
  ) async throws(ServiceError) -> ExportResult
  func renewExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: RenewExportRequest
  ) async throws(ServiceError) -> ExportInfo
  func verifyExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo
  func resumeExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo
  func retireExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo
  /// The key in a format that is no cloud's; `input` is what wraps it: a public key or a password.
  func exportKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: ExportKeyRequest,
    input: SecretBody
  ) async throws(ServiceError) -> SecretResult
}
