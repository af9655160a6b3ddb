package import KeywardModel

/// What an entry says that the policy was asked, and what it said: to ask another policy the same.
package struct AuditedRequest: Hashable, Sendable {
  package let principal: Principal
  package let operation: ServiceOperation
  /// A path of segments.
  package let resource: String
  package let time: Timestamp
  package let source: NetworkAddress?
  /// Whether the policy allowed it; what was refused for another reason was allowed.
  package let wasAllowed: Bool
  /// What decided, as the entry has it.
  package let rule: String

  /// How the rule of an entry begins that policy allowed by the rest of it, and a later check refused.
  package enum Later {
    package static let prefix = "later check; allowed by "
  }

  /// Why an entry cannot be asked again.
  package enum Omission: String, Error, CaseIterable, Sendable {
    /// No policy decided, or the entry does not tell how: logins, and refusals before or after.
    case notDecided = "not decided by policy"
    /// A text was too long for the entry, so the request is not known in full.
    case cut = "cut texts"
    /// An operation or an address that this version does not know.
    case unknown = "unknown operations"
  }

  package init(_ event: AuditEvent) throws(Omission) {
    guard let whole = event.rule, !whole.hasPrefix("login:"), event.principal.kind != .anonymous
    else { throw .notDecided }
    let isLater = whole.hasPrefix(Later.prefix)
    let rule = isLater ? String(whole.dropFirst(Later.prefix.count)) : whole
    guard let operation = ServiceOperation(rawValue: event.operation) else { throw .unknown }
    guard let resource = AuditText.original(event.resource) else { throw .cut }
    wasAllowed = isLater ? true : try Self.wasAllowed(event, operation, rule)
    if let text = event.address {
      guard let address = NetworkAddress(text) else { throw .unknown }
      source = address
    } else {
      source = nil
    }
    principal = try Self.principal(event.principal)
    self.operation = operation
    self.resource = resource
    time = Timestamp(milliseconds: Int64(clamping: event.time))
    self.rule = rule
  }

  private static func wasAllowed(
    _ event: AuditEvent,
    _ operation: ServiceOperation,
    _ rule: String
  ) throws(Omission) -> Bool {
    guard event.reason == ErrorCode.forbidden.rawValue, !rule.hasPrefix("default-deny") else {
      return !rule.hasPrefix("default-deny")
    }
    switch operation {
    case .approvalApprove, .approvalDeny, .policyApply:
      // These were also forbidden to who may do them in general: a vote on one's own request, the
      // grant of more than one holds. Entries of older versions do not tell the one from the other.
      throw .notDecided
    default: return false
    }
  }

  private static func principal(_ principal: AuditPrincipal) throws(Omission) -> Principal {
    let kind: Principal.Kind =
      switch principal.kind {
      case .server: .server
      case .unixPeer: .unixPeer
      case .kmsSocket: .kmsSocket
      case .token: .token
      case .appRole: .machineRole
      case .certificate: .certificate
      case .oidc, .serviceAccount: .jwt
      case .anonymous: .anonymous
      }
    var claims: [String: String] = [:]
    for claim in principal.claims { claims[try whole(claim.name)] = try whole(claim.value) }
    return Principal(
      kind: kind,
      issuer: try principal.issuer.map(whole),
      name: try whole(principal.name),
      cluster: try principal.cluster.map(whole),
      environment: try principal.environment.map(whole),
      claims: claims,
      uid: principal.uid
    )
  }

  private static func whole(_ text: String) throws(Omission) -> String {
    guard let text = AuditText.original(text) else { throw .cut }
    return text
  }
}
