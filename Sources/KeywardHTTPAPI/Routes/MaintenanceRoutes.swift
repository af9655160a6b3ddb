import KeywardModel
import NIOCore

extension RouteTable {
  /// Backup and check.
  ///
  /// The server writes no file for them: no route takes a path (V34).
  static let maintenanceRoutes: [Route] = [
    Route(
      method: .post,
      pattern: "/api/v1/backup",
      parameters: [],
      body: .none,
      response: .stream,
      authentication: .credential,
      operation: .backupCreate,
      deadline: slow
    ) { (request, service) throws(ServiceError) in
      .stream(try await service.createBackup(request.caller))
    },
    Route(
      method: .post,
      pattern: "/api/v1/fsck",
      parameters: [],
      body: .none,
      response: .json,
      authentication: .credential,
      operation: .operatorFsck,
      deadline: slow
    ) { (request, service) throws(ServiceError) in
      try .json(try await service.fsck(request.caller))
    },
  ]
}
