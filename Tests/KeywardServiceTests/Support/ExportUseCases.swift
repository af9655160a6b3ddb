import KeywardModel
import KeywardService
import KeywardTesting

extension ChokePointTests {
  private static let destination: RegistryName = "aws"

  /// The id of an export that is not there: its operations ask the policy about the inventory.
  private static func export() throws -> ExportID {
    guard let id = ExportID(random: [UInt8](repeating: 7, count: 16)) else {
      throw ServiceError(.internalError, "The id is not one.")
    }
    return id
  }

  /// The use cases about destinations and exports.
  static let exportUseCases: [UseCase] =
    [
      UseCase(operation: .destinationList) { server, caller in
        _ = try await server.service.listDestinations(caller, limit: 10, cursor: nil)
      },
      UseCase(operation: .destinationShow) { server, caller in
        _ = try await server.service.destination(caller, destination)
      },
      UseCase(operation: .destinationWrite) { server, caller in
        var document = DestinationDocument(provider: "aws")
        document.region = "eu-west-1"
        _ = try await server.service.writeDestination(caller, destination, document)
      },
      UseCase(operation: .destinationDelete) { server, caller in
        _ = try await server.service.deleteDestination(caller, destination)
      },
      UseCase(operation: .exportList) { server, caller in
        _ = try await server.service.listExports(caller, ExportFilter())
      },
      UseCase(operation: .exportShow) { server, caller in
        _ = try await server.service.showExport(caller, try export())
      },
      UseCase(operation: .exportPrepare) { server, caller in
        _ = try await server.service.prepareExport(
          caller,
          PrepareExportRequest(key: name.description, destination: "aws", mode: "push")
        )
      },
      UseCase(operation: .keyCloudExport) { server, caller in
        let info = ExportInfo(
          id: "-",
          state: "prepared",
          key: name.description,
          keyID: "-",
          version: 1,
          isBehind: false,
          destination: "aws",
          provider: "aws",
          mode: "push",
          operation: "key:cloud-export",
          keySpec: "-",
          algorithm: "-",
          createdAt: "-",
          requester: PrincipalInfo(caller.principal)
        )
        _ = try await server.service.completeExport(
          caller,
          try export(),
          CompleteExportRequest(info)
        )
      },
      UseCase(operation: .keyExport) { server, caller in
        _ = try await server.service.exportKey(
          caller,
          name: name,
          ExportKeyRequest(format: .raw),
          input: .of("")
        )
      },
      UseCase(operation: .exportRenew) { server, caller in
        _ = try await server.service.renewExport(caller, try export(), RenewExportRequest())
      },
      UseCase(operation: .exportVerify) { server, caller in
        _ = try await server.service.verifyExport(caller, try export())
      },
      UseCase(operation: .exportResume) { server, caller in
        _ = try await server.service.resumeExport(caller, try export())
      },
      UseCase(operation: .exportRetire) { server, caller in
        _ = try await server.service.retireExport(caller, try export())
      },
    ]
}
