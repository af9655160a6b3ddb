package import KeywardModel

extension KeywardClient {
  /// A revision of the policy; the newest without a number.
  package func policy(revision: UInt64? = nil) throws(ClientError) -> PolicyText {
    try get(Query("/api/v1/policy").adding("revision", revision))
  }

  package func policyRevisions() throws(ClientError) -> PolicyRevisionList {
    try get(Query("/api/v1/policy/revisions"))
  }

  package func applyPolicy(_ request: PolicyApplyRequest) throws(ClientError) -> PolicyPlan {
    try post(Query("/api/v1/policy:apply"), json: request)
  }

  package func decide(
    _ question: DecisionRequest,
    explaining: Bool
  ) throws(ClientError) -> DecisionAnswer {
    try post(Query("/api/v1/policy:\(explaining ? "explain" : "can-i")"), json: question)
  }

  package func listApprovals(limit: Int, cursor: String?) throws(ClientError) -> ApprovalPage {
    try get(Query("/api/v1/approvals").adding("limit", limit).adding("cursor", cursor))
  }

  package func showApproval(_ id: ApprovalID) throws(ClientError) -> ApprovalInfo {
    try get(Query("/api/v1/approvals/\(id)"))
  }

  package func approve(_ id: ApprovalID) throws(ClientError) -> ApprovalInfo {
    try post(Query("/api/v1/approvals/\(id):approve"))
  }

  package func deny(_ id: ApprovalID) throws(ClientError) -> ApprovalInfo {
    try post(Query("/api/v1/approvals/\(id):deny"))
  }
}
