/// A request for approval as the API shows it.
package struct ApprovalInfo: Hashable, Sendable, Codable {
  /// One yes or no.
  package struct Vote: Hashable, Sendable, Codable {
    package let principal: PrincipalInfo
    /// `approve` or `deny`.
    package let decision: String
    package let at: String

    package init(principal: PrincipalInfo, decision: String, at: String) {
      self.principal = principal
      self.decision = decision
      self.at = at
    }
  }

  /// What a request does besides its own operation, to something else.
  package struct Reached: Hashable, Sendable, Codable {
    package let operation: String
    package let resource: String

    package init(operation: String, resource: String) {
      self.operation = operation
      self.resource = resource
    }
  }

  package let id: String
  /// `pending`, `approved`, `denied`, `used` or `expired`.
  package let state: String
  package let requester: PrincipalInfo
  package let operation: String
  package let resource: String
  /// What the request reaches besides, such as the named wrapping key of an import: who approves it
  /// approves of that too.
  package let reached: [Reached]
  /// Method, path and query of the request, and the SHA-256 of its JSON body.
  package let request: String
  /// The keyed digest of the exact request, hexadecimal: two requests for approval with the same one
  /// are of the same request.
  package let requestDigest: String
  package let createdAt: String
  package let expiresAt: String
  package let votes: [Vote]
  /// What is asked for, by approval rule.
  package let requirements: [String]

  enum CodingKeys: String, CodingKey {
    case id
    case state
    case requester
    case operation
    case resource
    case reached
    case request
    case requestDigest = "request_digest"
    case createdAt = "created_at"
    case expiresAt = "expires_at"
    case votes
    case requirements
  }

  package init(
    id: String,
    state: String,
    requester: PrincipalInfo,
    operation: String,
    resource: String,
    reached: [Reached],
    request: String,
    requestDigest: String,
    createdAt: String,
    expiresAt: String,
    votes: [Vote],
    requirements: [String]
  ) {
    self.id = id
    self.state = state
    self.requester = requester
    self.operation = operation
    self.resource = resource
    self.reached = reached
    self.request = request
    self.requestDigest = requestDigest
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.votes = votes
    self.requirements = requirements
  }
}

/// A page of requests for approval, newest first.
package struct ApprovalPage: Hashable, Sendable, Codable {
  package let approvals: [ApprovalInfo]
  package let nextCursor: String?

  enum CodingKeys: String, CodingKey {
    case approvals
    case nextCursor = "next_cursor"
  }

  package init(approvals: [ApprovalInfo], nextCursor: String?) {
    self.approvals = approvals
    self.nextCursor = nextCursor
  }
}
