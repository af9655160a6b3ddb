import KeywardAudit
package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Synchronization

/// The way out when those who would have to approve a change of the policy are gone
/// (docs/approvals.md).
extension KeywardService {
  /// Takes the caller's changes of the policy out of one approval rule, with a quorum of shares in place of
  /// the approvals that it asks for.
  ///
  /// The caller needs the right to `policy:apply` all the same, and nothing else of the policy changes:
  /// what is next is an ordinary change. Whoever has a quorum could open a backup from before the rule, so
  /// this gives them nothing but less work. A passphrase is no quorum.
  package func liftApprovalRule(
    _ caller: Caller,
    _ name: String,
    shares: SecretBox
  ) async throws(ServiceError) -> PolicyRevisionInfo {
    // Before the transaction: a read of the store inside it would wait for itself.
    let seals = try await onWritingThread { () throws(ServiceError) in try self.sealRecords() }
    let lifted = await prepared(
      caller,
      .policyApply,
      .policy,
      isApprovedByShares: true,
      on: drawingBoard
    ) { () throws(ServiceError) in
      try self.lifted(name, by: caller, from: try self.unsealed().policy)
    }
    return try await awaiting { reply in
      self.change(caller, .policyApply, .policy, isApprovedByShares: true, reply: reply) {
        authorization,
        state,
        transaction,
        record throws(ServiceError) in
        record.details = [.approvalRule(AuditWord(name))]
        guard self.session.withLock({ $0.state.seals }) == seals.map(\.record) else {
          throw ServiceError(.conflict, "A rekey came in between.", remedy: "Try again.")
        }
        record.details += try self.proveQuorum(shares, by: seals, state.rootKey())
        guard authorization.approvals.contains(where: { $0.rule == name }) else {
          throw ServiceError(
            .notFound,
            "No approval rule '\(name)' is in the way of your changes of the policy.",
            remedy: "See which is with: keyward policy can-i policy:apply policy."
          )
        }
        let (base, compiled) = try lifted.get()
        guard base == state.policy.number else {
          throw ServiceError(
            .conflict,
            "Another revision of the policy came in between.",
            remedy: "Try again."
          )
        }
        let (revision, show) = try self.revise(compiled, changes: 1, transaction, state, &record)
        return Change(revision.info, apply: show)
      }
    }
  }

  /// The policy in which a rule asks for no approval of the caller's changes of it, and for all else as
  /// before, with the number of the revision that it was made from.
  ///
  /// Who holds `policy:escalate` needs that for changes too: a rule that asks for both is in the way twice.
  private func lifted(
    _ name: String,
    by caller: Caller,
    from policy: PolicyRevision
  ) throws(ServiceError) -> (base: UInt64, compiled: CompiledPolicy) {
    let mayEscalate = policy.compiled.decide(
      PolicyRequest(caller, .policyEscalate, .policy, time: now())
    ).isAllowed
    let own = OperationSet(mayEscalate ? [.policyApply, .policyEscalate] : [.policyApply])
    let left = policy.set.documents.compactMap { document -> PolicyDocument? in
      guard case .approvalRule(let rule) = document.body, document.name == name else {
        return document
      }
      return rule.without(own).map {
        PolicyDocument(
          name: document.name,
          description: document.description,
          body: .approvalRule($0)
        )
      }
    }
    do throws(PolicyError) {
      let set = try policy.set.applying(left, prune: true)
      return (policy.number, CompiledPolicy(set, officerUIDs: policy.compiled.officerUIDs))
    } catch {
      throw ServiceError(
        .internalError,
        "The policy cannot be written without the rule:\n\(error)"
      )
    }
  }
}
