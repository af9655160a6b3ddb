import KeywardModel

/// The roles that are there without any document; bindings can name them, documents cannot define them.
package enum BuiltInRole: String, CaseIterable, Sendable {
  /// Everything.
  case securityOfficer = "security-officer"
  /// The use of every key, and nothing that changes one.
  case keyUser = "key-user"
  /// Reading: the audit log, the policy, and what there is; no use of keys.
  case auditor
  /// Keeping the server: unsealing, checks, rotation, backups; no use of keys.
  case `operator`

  package var rules: [PolicyRule] {
    switch self {
    case .securityOfficer:
      [Self.allow(ServiceOperation.allCases, "**")]
    case .keyUser:
      [
        Self.allow(
          [
            .keyEncrypt, .keyDecrypt, .keySign, .keyVerify, .keyMAC, .keyMACVerify, .keyWrap,
            .keyUnwrap, .keyAgree, .keyDerive,
          ],
          "keys/**"
        )
      ]
    case .auditor:
      [
        Self.allow(
          [.auditRead, .auditExport, .policyRead, .policyExplain, .operatorStatus]
            + ServiceOperation.allCases.filter {
              $0.rawValue.hasSuffix(":list") || $0.rawValue.hasSuffix(":show")
            },
          "**"
        )
      ]
    case .operator:
      [
        Self.allow(
          ServiceOperation.allCases.filter {
            $0.rawValue.hasPrefix("operator:") && $0 != .operatorInit && $0 != .operatorRekey
          } + [.backupCreate],
          "system"
        ),
        Self.allow([.keyList, .keyShow, .keyRotate], "keys", "keys/**"),
        Self.allow([.approvalList, .approvalShow], "approvals"),
        Self.allow([.destinationList, .destinationShow], "destinations", "destinations/**"),
        Self.allow([.exportList, .exportShow], "exports", "keys/**"),
      ]
    }
  }

  private static func allow(_ operations: [ServiceOperation], _ resources: String...) -> PolicyRule
  {
    PolicyRule(
      effect: .allow,
      operations: operations.count == ServiceOperation.allCases.count
        ? ["*"] : operations.map(\.rawValue).sorted(),
      resources: resources.compactMap { try? ResourcePattern($0) }
    )
  }
}

/// The bindings that are there without any document, and that no document can remove; forbid and
/// approval rules count for those that are about principals of the outside.
package enum BuiltInBinding: String, CaseIterable, Sendable {
  /// A process on the admin socket whose uid is on the allow-list: everything.
  case securityOfficer = "security-officer"
  /// A KMS socket without a principal of its own: encrypt and decrypt with its one key.
  case kmsPlugin = "kms-plugin"
  /// The server itself: what falls due, start and stop.
  case server
  /// Whoever proved an identity: to see, renew and give up that identity and its token.
  case own = "self"

  /// Names that no document's binding can have, so that the log's rules are unmistakable.
  package static let names = Set(allCases.map(\.rawValue) + ["default-deny"])

  package static let ownOperations: OperationSet = OperationSet([
    .selfRead, .selfRenew, .selfRevoke,
  ])

  package static let serverOperations: OperationSet = OperationSet([
    .exportRecord, .keyCreate, .keyDestroy, .keyRotate, .operatorRotate, .operatorUnseal,
    .serverExpire, .serverRecover, .serverStart, .serverStop,
  ])

  /// The built-in binding that allows the request, if one does.
  package static func allowing(
    _ request: PolicyRequest,
    officerUIDs: Set<UInt32>
  ) -> BuiltInBinding? {
    let principal = request.principal
    switch principal.kind {
    case .anonymous: return nil
    case .server: return serverOperations.contains(request.operation) ? .server : nil
    case .unixPeer:
      if let uid = principal.uid, officerUIDs.contains(uid) { return .securityOfficer }
    case .kmsSocket:
      if request.operation == .keyEncrypt || request.operation == .keyDecrypt,
        principal.issuer == BuiltInIssuer.kms.rawValue,
        request.resource.isKey(principal.name)
      {
        return .kmsPlugin
      }
    case .certificate, .jwt, .machineRole, .token: break
    }
    return ownOperations.contains(request.operation) && request.resource.description == "self"
      ? .own : nil
  }
}

extension ResourcePath {
  /// Whether this is the key of that name.
  fileprivate func isKey(_ name: String) -> Bool {
    description.utf8.count == name.utf8.count + 5 && description.hasPrefix("keys/")
      && description.utf8.dropFirst(5).elementsEqual(name.utf8)
  }
}
