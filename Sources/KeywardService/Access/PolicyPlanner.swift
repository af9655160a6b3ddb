import KeywardAuthn
import KeywardModel
import KeywardPolicy

/// Makes the plan of applying files of policy: what changes, and what access that gives and takes.
struct PolicyPlanner {
  let base: PolicyRevision
  let registry: Registry
  let writer: Principal
  let source: NetworkAddress?
  let now: Timestamp

  /// The most lines of access that a plan shows in each direction.
  private static let mostLines = 100

  /// The plan; throws everything that is wrong with the files, with its place.
  func plan(_ request: PolicyApplyRequest) throws(ServiceError) -> PlannedPolicy {
    let set: PolicySet
    do throws(PolicyError) {
      let given = try PolicySet.parseDocuments(
        request.files.map { (name: $0.name, text: $0.text) }
      )
      set = try base.set.applying(given, prune: request.prune ?? false)
    } catch {
      throw ServiceError(
        .invalidRequest,
        "The policy is not taken:\n\(error)",
        remedy: "Mend the places that are named; nothing was changed."
      )
    }
    if let problem = BindingBreadth.problem(of: set, under: registry) {
      throw ServiceError(
        .invalidRequest,
        "The policy is not taken:\n\(problem)",
        remedy: "Narrow the binding; nothing was changed."
      )
    }
    let new = CompiledPolicy(set, officerUIDs: base.compiled.officerUIDs)
    let difference = try? PolicyDifference(from: base.compiled, to: new)
    return PlannedPolicy(
      base: base,
      compiled: new,
      changes: set.changes(from: base.set).map { change in
        PolicyPlan.Change(
          action: change.action == .remove ? "delete" : change.action.rawValue,
          kind: change.identity.kind.rawValue,
          name: change.identity.name
        )
      },
      gained: difference.map { lines($0.gained) } ?? [],
      lost: difference.map { lines($0.lost) } ?? [],
      isExact: difference != nil,
      warnings: warnings(new),
      obstacle: obstacle(new)
    )
  }

  private func lines(_ access: [PolicyDifference.Access]) -> [PolicyPlan.Access] {
    access.prefix(Self.mostLines).map {
      PolicyPlan.Access(summary: $0.words, example: $0.example.words)
    }
  }

  private func warnings(_ new: CompiledPolicy) -> [String] {
    PolicyLint(new, time: now).findings.prefix(Self.mostLines).map(\.description)
      + BindingBreadth.advice(on: new.set, under: registry).prefix(Self.mostLines)
  }

  /// Why the writer may not make this change; nil if nothing is in the way.
  private func obstacle(_ new: CompiledPolicy) -> ServiceError? {
    let keeps = new.decide(
      PolicyRequest(
        principal: writer,
        operation: .policyApply,
        resource: Resource.policy,
        time: now,
        source: source
      )
    )
    guard keeps.isAllowed else {
      return ServiceError(
        .conflict,
        "Under this policy you could not change the policy any more: \(keeps.rule).",
        remedy: "Keep policy:apply for yourself, or let somebody apply it who keeps it."
      )
    }
    if let uid = base.compiled.officerUIDs.min() {
      let officer = PolicyRequest(
        principal: Principal(kind: .unixPeer, name: "uid:\(uid)", uid: uid),
        operation: .policyApply,
        resource: Resource.policy,
        time: now
      )
      guard new.decide(officer).isAllowed || !base.compiled.decide(officer).isAllowed else {
        return ServiceError(
          .conflict,
          "Under this policy the officers of the admin socket could not change the policy any more.",
          remedy: "Leave policy:apply out of what is forbidden to the issuer 'unix'."
        )
      }
    }
    let reach = ApprovalReach(policy: new, registry: registry, now: now)
    if let rule = reach.unreachable(for: writer, from: source) ?? reach.unreachableForOfficers() {
      return ServiceError(
        .conflict,
        "Under this policy nobody could approve a change of the policy: no record vouches for enough "
          + "of the approvers of '\(rule)'.",
        remedy: "Register who vouches for them first, or name others."
      )
    }
    do throws(PolicyAnalysisError) {
      let escalation = try PolicyEscalation.find(
        from: base.compiled,
        to: new,
        by: writer,
        time: now,
        source: source
      )
      guard let escalation else { return nil }
      return ServiceError(
        .forbidden,
        "The policy would give what you do not hold: \(escalation.example.words).",
        remedy: "Grant only what you hold yourself, or have it applied by somebody with "
          + "policy:escalate."
      )
    } catch {
      // Not proved is not allowed.
      return ServiceError(
        .forbidden,
        "It cannot be shown that the policy gives only what you hold. \(error)",
        remedy: "Have it applied by somebody with policy:escalate."
      )
    }
  }
}

/// A plan with what it takes to carry it out.
struct PlannedPolicy: Sendable {
  let base: PolicyRevision
  let compiled: CompiledPolicy
  let changes: [PolicyPlan.Change]
  let gained: [PolicyPlan.Access]
  let lost: [PolicyPlan.Access]
  let isExact: Bool
  let warnings: [String]
  let obstacle: ServiceError?

  var hasChanges: Bool { !changes.isEmpty }

  func plan(revision: UInt64?) -> PolicyPlan {
    PolicyPlan(
      base: base.number,
      revision: revision,
      changes: changes,
      gained: gained,
      lost: lost,
      isExact: isExact,
      warnings: warnings + (revision == nil ? obstacle.map { [$0.message] } ?? [] : [])
    )
  }

  /// Refuses a change that its writer may not make.
  func check() throws(ServiceError) {
    if let obstacle { throw obstacle }
  }
}
