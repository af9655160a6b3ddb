import KeywardCrypto
import KeywardHTTPAPI
import KeywardModel

/// Destinations and exports of the fake: everything is empty, and everybody may.
extension FakeService {
  func listDestinations(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> DestinationPage {
    try await enter(caller)
    return DestinationPage(destinations: [], nextCursor: nil)
  }

  func destination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument {
    try await enter(caller)
    return DestinationDocument(name: name.description, provider: "aws")
  }

  func writeDestination(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: DestinationDocument
  ) async throws(ServiceError) -> DestinationDocument {
    try await enter(caller)
    return document
  }

  func deleteDestination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument {
    try await destination(caller, name)
  }

  func listExports(
    _ caller: Caller,
    _ filter: ExportFilter
  ) async throws(ServiceError) -> ExportPage {
    try await enter(caller)
    return ExportPage(exports: [], nextCursor: nil)
  }

  func showExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo {
    try await enter(caller)
    return ExportInfo(
      id: id.description,
      state: "prepared",
      key: "k",
      keyID: String(repeating: "0", count: 32),
      version: 1,
      isBehind: false,
      destination: "d",
      provider: "aws",
      mode: "push",
      operation: "key:cloud-export",
      keySpec: "SYMMETRIC_DEFAULT",
      algorithm: "RSAES_OAEP_SHA_256",
      createdAt: "2026-01-01T00:00:00.000Z",
      requester: PrincipalInfo(caller.principal)
    )
  }

  func prepareExport(
    _ caller: Caller,
    _ request: PrepareExportRequest
  ) async throws(ServiceError) -> ExportInfo {
    try await showExport(caller, Self.export)
  }

  func completeExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: CompleteExportRequest
  ) async throws(ServiceError) -> ExportResult {
    ExportResult(export: try await showExport(caller, id))
  }

  func renewExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: RenewExportRequest
  ) async throws(ServiceError) -> ExportInfo {
    try await showExport(caller, id)
  }

  func verifyExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo {
    try await showExport(caller, id)
  }

  func resumeExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo {
    try await showExport(caller, id)
  }

  func retireExport(_ caller: Caller, _ id: ExportID) async throws(ServiceError) -> ExportInfo {
    try await showExport(caller, id)
  }

  func exportKey(
    _ caller: Caller,
    _ name: KeyName,
    _ request: ExportKeyRequest,
    input: SecretBody
  ) async throws(ServiceError) -> SecretResult {
    try await enter(caller)
    return SecretResult(input, version: 1)
  }

  private static var export: ExportID {
    guard let id = ExportID("exp-" + String(repeating: "a", count: 26)) else {
      preconditionFailure("the id is well formed")
    }
    return id
  }
}
