/// One operation as the audit log tells it: who, what, on what, with what outcome, and why.
///
/// The fields are an allow-list. There is no map, no free text and no error text: a secret cannot
/// get in by a new request field, and text that a client chose (the KMS request's uid, names in
/// tokens) is bounded and escaped here, so that it can forge neither a line nor a field.
package struct AuditEvent: Equatable, Sendable {
  /// Milliseconds since 1970-01-01T00:00:00Z, at most the last of the year 9999.
  package let time: UInt64
  /// The server's id of the request, at most 64 bytes.
  package let request: String
  /// Who asked.
  package let principal: AuditPrincipal
  /// Where the request came in.
  package let source: AuditSource
  /// The peer's address, where it came over a network.
  package let address: String?
  /// The accessor of the token that was used, which names it and opens nothing.
  package let token: String?
  /// The id of the approval that was asked for, given or used.
  package let approval: String?
  /// The operation, such as `key:encrypt`; other than `[A-Za-z0-9:._-]` becomes `_`.
  package let operation: String
  /// The resource's path, such as `keys/etcd/prod-eu`, at most 512 bytes.
  package let resource: String
  /// The key that was used, where there is one.
  package let key: AuditKey?
  /// The uid of a KMS v2 request: the client's own text, at most 128 bytes.
  package let kmsUID: String?
  /// How it ended.
  package let outcome: AuditOutcome
  /// The stable code of why; other than `[A-Za-z0-9:._-]` becomes `_`.
  package let reason: String
  /// The policy rule or built-in role that decided, at most 256 bytes.
  package let rule: String?
  /// At most ``maximumDetails`` typed facts; more are cut off.
  package let details: [AuditDetail]

  /// The number of details an event can carry, which keeps an entry below its limit.
  package static let maximumDetails = 8

  /// Builds an event; text is bounded and escaped, numbers are clamped, nothing fails.
  package init(
    time: UInt64,
    request: String,
    principal: AuditPrincipal,
    source: AuditSource,
    address: String? = nil,
    token: String? = nil,
    approval: String? = nil,
    operation: String,
    resource: String,
    key: AuditKey? = nil,
    kmsUID: String? = nil,
    outcome: AuditOutcome,
    reason: String,
    rule: String? = nil,
    details: [AuditDetail] = []
  ) {
    self.init(
      verbatim: AuditTime.clamped(time),
      request: AuditText.request.bounded(request),
      principal: principal,
      source: source,
      address: address.map(AuditText.attribute.bounded),
      token: token.map(AuditText.attribute.bounded),
      approval: approval.map(AuditText.attribute.bounded),
      operation: AuditText.code.bounded(operation),
      resource: AuditText.resource.bounded(resource),
      key: key,
      kmsUID: kmsUID.map(AuditText.kmsUID.bounded),
      outcome: outcome,
      reason: AuditText.code.bounded(reason),
      rule: rule.map(AuditText.rule.bounded),
      details: details.count > Self.maximumDetails
        ? Array(details.prefix(Self.maximumDetails)) : details
    )
  }

  /// Takes fields that are bounded and escaped already: the decoder's way in.
  init(
    verbatim time: UInt64,
    request: String,
    principal: AuditPrincipal,
    source: AuditSource,
    address: String?,
    token: String?,
    approval: String?,
    operation: String,
    resource: String,
    key: AuditKey?,
    kmsUID: String?,
    outcome: AuditOutcome,
    reason: String,
    rule: String?,
    details: [AuditDetail]
  ) {
    self.time = time
    self.request = request
    self.principal = principal
    self.source = source
    self.address = address
    self.token = token
    self.approval = approval
    self.operation = operation
    self.resource = resource
    self.key = key
    self.kmsUID = kmsUID
    self.outcome = outcome
    self.reason = reason
    self.rule = rule
    self.details = details
  }

  /// The version of the format that has a place for all of it: the lowest, so that an entry has one
  /// spelling.
  var version: UInt64 {
    let isSecond =
      principal.needsSecondVersion || address != nil || token != nil || approval != nil
    return isSecond ? 2 : 1
  }
}

/// How an operation ended.
package enum AuditOutcome: String, Sendable, CaseIterable {
  /// Policy allowed it and it was done.
  case allowed
  /// Policy, a state or a limit refused it.
  case refused
  /// It was allowed and could not be done.
  case failed
}

/// Where a request came in.
package enum AuditSource: String, Sendable, CaseIterable {
  /// A KMS v2 socket.
  case kms
  /// The administration socket.
  case admin
  /// The HTTPS listener.
  case https
  /// The server itself: start, scheduled rotation, shutdown.
  case server
  /// An offline tool working on the data folder.
  case offline
}
