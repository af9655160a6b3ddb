/// The body of every error answer, `application/problem+json` (RFC 9457).
package struct ProblemDocument: Hashable, Sendable, Codable {
  /// `urn:keyward:error:` and the code.
  package let type: String
  package let title: String
  package let status: Int
  /// What is wrong this time.
  package let detail: String
  /// A value of `ErrorCode`; text here, so that an older client reads a newer server's answer.
  package let code: String
  /// What to do about it, when there is something to do.
  package let remedy: String?
  /// The server's id of the request, the one in its log and audit entries.
  package let requestID: String
  /// The request for approval that this one waits for, in an answer of `approval_required`.
  package let approval: String?
  /// What exactly was refused, in an answer of `export_refused` or `destination_failed`.
  package let reason: String?

  enum CodingKeys: String, CodingKey {
    case type
    case title
    case status
    case detail
    case code
    case remedy
    case requestID = "request_id"
    case approval
    case reason
  }

  package init(_ error: ServiceError, requestID: String) {
    type = "urn:keyward:error:" + error.code.rawValue
    title = error.code.title
    status = error.code.httpStatus
    detail = error.message
    code = error.code.rawValue
    remedy = error.remedy
    self.requestID = requestID
    approval = error.approval?.description
    reason = error.reason
  }
}
