/// The only error that reaches a transport: a code and public words.
///
/// The words name what is wrong and what to do, never a secret, a stored byte or an inner cause:
/// causes are logged by the service under the request id.
package struct ServiceError: Error, Hashable, Sendable, CustomStringConvertible {
  package let code: ErrorCode
  /// What is wrong: one sentence with its period.
  package let message: String
  /// What to do about it; nil when the message says it all.
  package let remedy: String?
  /// The request for approval that this one waits for.
  package let approval: ApprovalID?
  /// What exactly was refused, where many things share a code: a stable word, as `direct_too_long`.
  package let reason: String?

  package init(
    _ code: ErrorCode,
    _ message: String,
    remedy: String? = nil,
    approval: ApprovalID? = nil,
    reason: String? = nil
  ) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.approval = approval
    self.reason = reason
  }

  /// The one answer to a credential that is missing, unknown, wrong, revoked or out of its time.
  package static let unauthenticated = ServiceError(
    .unauthenticated,
    "The request has no credential that the server knows.",
    remedy: "Log in again, or send Authorization: Bearer with a token that is valid."
  )

  package var description: String {
    let name = reason ?? code.rawValue
    guard let remedy else { return "\(name): \(message)" }
    return "\(name): \(message) \(remedy)"
  }
}
