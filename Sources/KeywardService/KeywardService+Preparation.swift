import Dispatch
package import KeywardModel
import KeywardPolicy

/// Work before a turn on the writing thread, and waiting for what comes of it.
extension KeywardService {
  /// Makes what an operation needs before its turn on the writing thread: RSA keys and scrypt take
  /// seconds, and every answer of the server waits behind that thread.
  ///
  /// One at a time. Nothing is made for who may not, without the approvals that it takes, or while
  /// sealed: the operation itself then refuses, with its entry. A failure to make it becomes the
  /// operation's own. With `isApprovedByShares` the operation sees to the approvals itself.
  func prepared<Made: Sendable>(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    reaching other: (operation: ServiceOperation, resource: Resource)? = nil,
    isApprovedByShares: Bool = false,
    on queue: DispatchQueue? = nil,
    _ make: @escaping @Sendable () throws(ServiceError) -> Made
  ) async -> Result<Made, ServiceError> {
    do throws(ServiceError) {
      var record = AuditRecord(
        time: now(),
        caller: caller,
        operation: operation,
        resource: resource
      )
      var approvals: [ApprovalRequirement] = []
      for (operation, resource) in [(operation, resource)] + (other.map { [$0] } ?? []) {
        let request = PolicyRequest(caller, operation, resource, time: record.time)
        let decision = policy.decide(request)
        guard decision.isAllowed else { throw .forbidden }
        approvals += decision.approvals
      }
      if let other {
        record.reached = [
          AuditRecord(
            time: record.time,
            caller: caller,
            operation: other.operation,
            resource: other.resource
          )
        ]
      }
      if !isApprovedByShares { try checkGathered(approvals, record, unsealed()) }
    } catch {
      return .failure(error)
    }
    return await withCheckedContinuation { continuation in
      (queue ?? workshop).async {
        continuation.resume(
          returning: Result { () throws(ServiceError) in
            _ = try self.unsealed()
            return try make()
          }
        )
      }
    }
  }

  /// Waits for a reply: the form that HTTP handlers use.
  package func awaiting<Answer: Sendable>(
    _ start: (@escaping @Sendable (Result<Answer, ServiceError>) -> Void) -> Void
  ) async throws(ServiceError) -> Answer {
    let result = await withCheckedContinuation { continuation in
      start { continuation.resume(returning: $0) }
    }
    return try result.get()
  }
}
