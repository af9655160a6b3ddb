package import KeywardModel
import KeywardService

extension ServiceAdapter {
  package func listDestinations(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> DestinationPage {
    try await service.listDestinations(caller, limit: limit, cursor: cursor)
  }

  package func destination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument {
    try await service.destination(caller, name)
  }

  package func writeDestination(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: DestinationDocument
  ) async throws(ServiceError) -> DestinationDocument {
    try await service.writeDestination(caller, name, document)
  }

  package func deleteDestination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument {
    try await service.deleteDestination(caller, name)
  }

  package func listExports(
    _ caller: Caller,
    _ filter: ExportFilter
  ) async throws(ServiceError) -> ExportPage {
    try await service.listExports(caller, filter)
  }

  package func showExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    try await service.showExport(caller, id)
  }

  package func prepareExport(
    _ caller: Caller,
    _ request: PrepareExportRequest
  ) async throws(ServiceError) -> ExportInfo {
    try await service.prepareExport(caller, request)
  }

  package func completeExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: CompleteExportRequest
  ) async throws(ServiceError) -> ExportResult {
    try await service.completeExport(caller, id, request)
  }

  package func renewExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: RenewExportRequest
  ) async throws(ServiceError) -> ExportInfo {
    try await service.renewExport(caller, id, request)
  }

  package func verifyExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    try await service.verifyExport(caller, id)
  }

  package func resumeExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    try await service.resumeExport(caller, id)
  }

  package func retireExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    try await service.retireExport(caller, id)
  }

  package func exportKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: ExportKeyRequest,
    input: SecretBody
  ) async throws(ServiceError) -> SecretResult {
    SecretResult(try await service.exportKey(caller, name: name, request, input: input))
  }
}
