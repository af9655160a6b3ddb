import KeywardGRPC

/// Why a KMS call failed: a code and constant public words.
///
/// The words reach the logs and `/readyz?verbose` of a kube-apiserver: no URL, no name of a key,
/// no text from elsewhere.
package struct KMSFailure: Error, Sendable, Equatable {
  /// The gRPC codes a key management backend may answer with.
  package enum Code: Sendable, Equatable, CaseIterable {
    /// Try later: sealed, or the store cannot be reached.
    case unavailable
    /// Must not be used: disabled, revoked, the audit log is broken. Makes writes stop.
    case failedPrecondition
    /// The request is malformed, or its ciphertext does not open.
    case invalidArgument
    /// The `key_id` is not known.
    case notFound
    /// The caller may not use this key.
    case permissionDenied
    /// Not for storms: a kube-apiserver does not retry.
    case resourceExhausted
    /// The caller's time ran out in the backend.
    case deadlineExceeded
    /// A defect of ours.
    case `internal`
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  var status: GRPCStatus {
    let code: GRPCStatusCode =
      switch code {
      case .unavailable: .unavailable
      case .failedPrecondition: .failedPrecondition
      case .invalidArgument: .invalidArgument
      case .notFound: .notFound
      case .permissionDenied: .permissionDenied
      case .resourceExhausted: .resourceExhausted
      case .deadlineExceeded: .deadlineExceeded
      case .internal: .internal
      }
    return GRPCStatus(code, message)
  }
}
