/// The stable name of a failure, the same on every transport.
///
/// A code never changes its meaning. Clients decide by the code; the words beside it are for people.
/// The one table of code, HTTP status and gRPC status is `httpStatus` and `grpcStatus`.
package enum ErrorCode: String, CaseIterable, Hashable, Sendable, Codable {
  /// The caller has to gather approvals first.
  case approvalRequired = "approval_required"
  /// The name is in use.
  case alreadyExists = "already_exists"
  /// The store has a seal already.
  case alreadyInitialized = "already_initialized"
  /// The audit log cannot be written, so nothing may leave.
  case auditUnavailable = "audit_unavailable"
  /// Somebody else changed the same thing meanwhile.
  case conflict
  /// The one failure of every decryption, unwrapping and authentication of ciphertext.
  case decryptionFailed = "decryption_failed"
  /// The other end of an export refused, failed or could not be reached.
  case destinationFailed = "destination_failed"
  /// The rules of the destination, or what came from it, do not let the key go there so.
  case exportRefused = "export_refused"
  /// Known, but not allowed.
  case forbidden
  /// More or longer headers than the server takes.
  case headersTooLarge = "headers_too_large"
  /// A fault of Keyward's own; the cause is in the server's log under the request id.
  case internalError = "internal"
  /// The request does not say something that the server understands.
  case invalidRequest = "invalid_request"
  /// The state of the key version does not let it do that.
  case keyState = "key_state"
  /// The key's type or its allowed operations do not let it do that.
  case keyUsage = "key_usage"
  /// A body, list or message over its limit.
  case limitExceeded = "limit_exceeded"
  /// The path exists, with other methods.
  case methodNotAllowed = "method_not_allowed"
  /// No such thing, or none that the caller may know of.
  case notFound = "not_found"
  /// `operator init` has not run yet.
  case notInitialized = "not_initialized"
  /// A request that did not arrive, or was not answered, in its time.
  case requestTimeout = "request_timeout"
  /// The database is older than its anchor.
  case rollbackDetected = "rollback_detected"
  /// The server has no root key now.
  case sealed
  /// The disk or the quota is full.
  case storageFull = "storage_full"
  /// A stored row is not what Keyward wrote.
  case tampered
  /// Over a rate.
  case tooManyRequests = "too_many_requests"
  /// No credential, or none that holds.
  case unauthenticated
  /// Too busy, stopping, or unable to reach its storage; try again.
  case unavailable
  /// Known, but not offered by this server.
  case unimplemented
  /// A body in a form or encoding that the route does not take.
  case unsupportedMediaType = "unsupported_media_type"
  /// A passphrase or key file that does not open the seal.
  case wrongPassphrase = "wrong_passphrase"
  /// A share that is damaged, doubled, of another set, or does not combine.
  case wrongShare = "wrong_share"

  /// The status line of an HTTP answer with this code (RFC 9110 §15).
  package var httpStatus: Int {
    switch self {
    case .decryptionFailed, .invalidRequest, .wrongPassphrase, .wrongShare: 400
    case .unauthenticated: 401
    case .approvalRequired, .forbidden: 403
    case .notFound: 404
    case .methodNotAllowed: 405
    case .requestTimeout: 408
    case .alreadyExists, .alreadyInitialized, .conflict, .exportRefused, .keyState, .keyUsage,
      .rollbackDetected:
      409
    case .limitExceeded: 413
    case .unsupportedMediaType: 415
    case .tooManyRequests: 429
    case .headersTooLarge: 431
    case .internalError, .tampered: 500
    case .unimplemented: 501
    case .destinationFailed: 502
    case .auditUnavailable, .notInitialized, .sealed, .unavailable: 503
    case .storageFull: 507
    }
  }

  /// The number of the gRPC status with this code (grpc/grpc doc/statuscodes.md).
  package var grpcStatus: Int {
    switch self {
    case .requestTimeout: 4  // DEADLINE_EXCEEDED
    case .notFound: 5  // NOT_FOUND
    case .alreadyExists: 6  // ALREADY_EXISTS
    case .approvalRequired, .forbidden: 7  // PERMISSION_DENIED
    case .headersTooLarge, .limitExceeded, .tooManyRequests: 8  // RESOURCE_EXHAUSTED
    case .alreadyInitialized, .exportRefused, .keyState, .keyUsage, .notInitialized,
      .rollbackDetected, .sealed:
      9  // FAILED_PRECONDITION
    case .conflict: 10  // ABORTED
    case .methodNotAllowed, .unimplemented: 12  // UNIMPLEMENTED
    case .internalError: 13  // INTERNAL
    case .auditUnavailable, .destinationFailed, .storageFull, .unavailable: 14  // UNAVAILABLE
    case .tampered: 15  // DATA_LOSS
    case .unauthenticated: 16  // UNAUTHENTICATED
    case .decryptionFailed, .invalidRequest, .unsupportedMediaType, .wrongPassphrase, .wrongShare:
      3  // INVALID_ARGUMENT
    }
  }

  /// The same words for every error of this code: the `title` of a problem document (RFC 9457).
  package var title: String {
    switch self {
    case .approvalRequired: "Approval required"
    case .alreadyExists: "Already exists"
    case .alreadyInitialized: "Already initialized"
    case .auditUnavailable: "Audit log not writable"
    case .conflict: "Conflicting change"
    case .decryptionFailed: "Decryption failed"
    case .destinationFailed: "Destination failed"
    case .exportRefused: "Export refused"
    case .forbidden: "Not allowed"
    case .headersTooLarge: "Headers too large"
    case .internalError: "Internal error"
    case .invalidRequest: "Invalid request"
    case .keyState: "Key state does not allow this"
    case .keyUsage: "Key does not do this"
    case .limitExceeded: "Limit exceeded"
    case .methodNotAllowed: "Method not allowed"
    case .notFound: "Not found"
    case .notInitialized: "Not initialized"
    case .requestTimeout: "Request timed out"
    case .rollbackDetected: "Database rolled back"
    case .sealed: "Sealed"
    case .storageFull: "Storage full"
    case .tampered: "Stored data damaged"
    case .tooManyRequests: "Too many requests"
    case .unauthenticated: "Not authenticated"
    case .unavailable: "Unavailable"
    case .unimplemented: "Not offered"
    case .unsupportedMediaType: "Unsupported body"
    case .wrongPassphrase: "Wrong passphrase"
    case .wrongShare: "Wrong share"
    }
  }
}
