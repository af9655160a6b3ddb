import KeywardModel

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
  init(_ fields: HeaderFields) throws(ServiceError) {
    guard fields.authorizations.count <= 1 else {
      throw ServiceError(
        .invalidRequest,
        "The request has more than one Authorization header.",
        remedy: "Send one credential."
      )
    }
    bearer = try fields.authorizations.first.map { field throws(ServiceError) in
      try Self.bearer(field)
    }
    let approvals = fields.approvals
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
    let start = field.utf8.index(
      field.startIndex,
      offsetBy: scheme.utf8.count,
      limitedBy: field.endIndex
    )
    guard let start, field.utf8[..<start].elementsEqual(scheme.utf8, by: HeaderFields.isSameLetter),
      let credential = BearerCredential(field[start...])
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
