import KeywardAuthn
import KeywardModel
import KeywardPolicy

/// Whether those who would have to approve a change of the policy are there at all.
///
/// An approval rule for `policy:apply` whose approvers nothing vouches for any more would lock the policy
/// for good, so neither the policy nor the registry is changed into such a state (docs/approvals.md).
struct ApprovalReach {
  let policy: CompiledPolicy
  let registry: Registry
  let now: Timestamp

  /// The approval rule that nobody could satisfy when `principal` changes the policy; nil if there is
  /// none.
  func unreachable(for principal: Principal, from source: NetworkAddress?) -> String? {
    let decision = policy.decide(
      PolicyRequest(
        principal: principal,
        operation: .policyApply,
        resource: Resource.policy,
        time: now,
        source: source
      )
    )
    return decision.approvals.first { requirement in
      !requirement.tree.isReachable { isKnown($0) && !isOnly($0, principal) }
    }?.rule
  }

  /// The same for the officers of the admin socket; nil if there are none.
  func unreachableForOfficers() -> String? {
    guard let uid = policy.officerUIDs.min() else { return nil }
    return unreachable(
      for: Principal(kind: .unixPeer, name: "uid:\(uid)", uid: uid),
      from: nil
    )
  }

  /// Whether something vouches for one of the subject.
  private func isKnown(_ subject: PolicySubject) -> Bool {
    guard case .literal(let issuer) = subject.issuer else { return true }
    switch BuiltInIssuer(rawValue: issuer) {
    case .tokens, .unix: return true
    case .anonymous, .kms, .server: return false
    case .roles:
      guard let name = subject.name?.literal else { return !registry.records.roles.isEmpty }
      return RegistryName(name).map { registry.records.roles[$0] != nil } ?? false
    case nil: return isRegistered(issuer, subject.cluster)
    }
  }

  private func isRegistered(_ issuer: String, _ cluster: PolicySubject.Match?) -> Bool {
    guard let name = RegistryName(issuer) else { return false }
    let records = registry.records
    if cluster == nil, records.issuers[name] != nil || records.authorities[name] != nil {
      return true
    }
    return records.clusters.values.contains { record in
      let isMeant =
        switch cluster {
        case .literal(let text): record.name.description == text
        case .present, nil: true
        }
      return isMeant
        && (record.issuers.contains { $0.name == name }
          || record.authorities.contains { $0.name == name })
    }
  }

  /// Whether the subject is nobody but the one who asks, who never counts.
  private func isOnly(_ subject: PolicySubject, _ principal: Principal) -> Bool {
    subject.name?.literal == principal.name && subject.issuer == .literal(principal.issuer)
      && subject.matches(principal)
  }
}
