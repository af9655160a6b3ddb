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
  /// Takes one approval rule out of the policy that asks for approval of the caller's `policy:apply`, with
  /// a quorum of shares in place of those approvals.
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
    let lifted = (try? unsealed()).map { Self.lifted(name, from: $0.policy) }
    return try await awaiting { reply in
      self.change(caller, .policyApply, .policy, isApprovedByShares: true, reply: reply) {
        authorization,
        state,
        transaction,
        record throws(ServiceError) in
        guard self.session.withLock({ $0.state.seals }) == seals.map(\.record) else {
          throw ServiceError(.conflict, "A rekey came in between.", remedy: "Try again.")
        }
        let quorum = try self.proveQuorum(shares, by: seals, state.rootKey())
        record.details = [
          .quorum(threshold: UInt64(quorum.threshold), total: UInt64(quorum.count))
        ]
        guard authorization.approvals.contains(where: { $0.rule == name }) else {
          throw ServiceError(
            .notFound,
            "No approval rule '\(name)' is in the way of your changes of the policy.",
            remedy: "See which is with: keyward policy can-i policy:apply policy."
          )
        }
        guard let (base, compiled) = try lifted?.get(), base == state.policy.number else {
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

  /// The policy without an approval rule, with the number of the revision that it was made from.
  private static func lifted(
    _ name: String,
    from policy: PolicyRevision
  ) -> Result<(base: UInt64, compiled: CompiledPolicy), ServiceError> {
    Result { () throws(ServiceError) in
      do throws(PolicyError) {
        let left = policy.set.documents.filter { $0.kind != .approvalRule || $0.name != name }
        let set = try policy.set.applying(left, prune: true)
        return (
          policy.number,
          CompiledPolicy(set, officerUIDs: policy.compiled.officerUIDs)
        )
      } catch {
        throw ServiceError(.internalError, "The policy cannot be written without the rule.")
      }
    }
  }
}
