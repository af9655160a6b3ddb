import KeywardModel
import NIOHTTP1

/// The credentials of a request's headers, before they are joined with the connection's peer.
struct RequestCredentials: Sendable {
  let bearer: BearerCredential?
  let approval: ApprovalID?

  static let none = RequestCredentials(bearer: nil, approval: nil)

  private init(bearer: BearerCredential?, approval: ApprovalID?) {
    self.bearer = bearer
    self.approval = approval
  }

  /// Reads `Authorization` and `Keyward-Approval`, each at most once.
  ///
  /// A doubled header is refused and not chosen from, since another reader of the same request may
  /// choose otherwise (V16).
  init(_ headers: HTTPHeaders) throws(ServiceError) {
    let fields = headers["authorization"]
    guard fields.count <= 1 else {
      throw ServiceError(
        .invalidRequest,
        "The request has more than one Authorization header.",
        remedy: "Send one credential."
      )
    }
    bearer = try fields.first.map { field throws(ServiceError) in try Self.bearer(field) }
    let approvals = headers["keyward-approval"]
    guard approvals.count <= 1 else {
      throw ServiceError(.invalidRequest, "The request has more than one Keyward-Approval header.")
    }
    approval = try approvals.first.map { field throws(ServiceError) in
      guard let approval = ApprovalID(field) else {
        throw ServiceError(
          .invalidRequest,
          "The Keyward-Approval header is not the id of an approval.",
          remedy: "Send apr- and 26 characters, as the request for approval was answered."
        )
      }
      return approval
    }
  }

  private static func bearer(_ field: String) throws(ServiceError) -> BearerCredential {
    let scheme = "bearer "
    guard field.utf8.count > scheme.utf8.count,
      field.prefix(scheme.count).lowercased() == scheme,
      let credential = BearerCredential(field.dropFirst(scheme.count))
    else {
      throw ServiceError(
        .unauthenticated,
        "The Authorization header is not a bearer credential.",
        remedy: "Send Authorization: Bearer and one token."
      )
    }
    return credential
  }
}
