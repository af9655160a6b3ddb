/// A body of the API whose fields are all known: a field that is not listed refuses the request.
package protocol WireRequest: Codable, Sendable {
  /// The names of all fields, as JSON spells them.
  static var fieldNames: [String] { get }
}

/// What `POST /api/v1/keys` takes.
///
/// A field left out takes the type's default, which is the tight one: no export, no second pair of
/// operations.
package struct CreateKeyRequest: Hashable, WireRequest {
  package var name: String
  package var type: String
  package var operations: [String]?
  package var neverExportable: Bool?
  package var deletionProtected: Bool?
  package var allowedDestinations: [String]?
  package var requiredApprovals: Int?
  /// Seconds; 0 for none.
  package var rotationPeriod: Int64?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case type
    case operations
    case neverExportable = "never_exportable"
    case deletionProtected = "deletion_protected"
    case allowedDestinations = "allowed_destinations"
    case requiredApprovals = "required_approvals"
    case rotationPeriod = "rotation_period"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    name: String,
    type: String,
    operations: [String]? = nil,
    neverExportable: Bool? = nil,
    deletionProtected: Bool? = nil,
    allowedDestinations: [String]? = nil,
    requiredApprovals: Int? = nil,
    rotationPeriod: Int64? = nil
  ) {
    self.name = name
    self.type = type
    self.operations = operations
    self.neverExportable = neverExportable
    self.deletionProtected = deletionProtected
    self.allowedDestinations = allowedDestinations
    self.requiredApprovals = requiredApprovals
    self.rotationPeriod = rotationPeriod
  }

  /// The name, type and attributes that this asks for, or what is wrong with them.
  package func parsed() throws(ServiceError) -> (KeyName, KeyType, KeyAttributes) {
    let name = try WireText.keyName(name)
    let type = try WireText.keyType(type)
    let start = KeyAttributes(operations: type.defaultOperations)
    return (name, type, try limits.applied(to: start, of: type))
  }

  private var limits: UpdateKeyRequest {
    UpdateKeyRequest(
      operations: operations,
      neverExportable: neverExportable,
      deletionProtected: deletionProtected,
      allowedDestinations: allowedDestinations,
      requiredApprovals: requiredApprovals,
      rotationPeriod: rotationPeriod
    )
  }
}

/// What `POST /api/v1/keys/NAME:update` takes: the attributes to change; the others stay.
package struct UpdateKeyRequest: Hashable, WireRequest {
  package var operations: [String]?
  package var neverExportable: Bool?
  package var deletionProtected: Bool?
  package var allowedDestinations: [String]?
  package var requiredApprovals: Int?
  /// Seconds; 0 ends rotation by the server.
  package var rotationPeriod: Int64?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case operations
    case neverExportable = "never_exportable"
    case deletionProtected = "deletion_protected"
    case allowedDestinations = "allowed_destinations"
    case requiredApprovals = "required_approvals"
    case rotationPeriod = "rotation_period"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    operations: [String]? = nil,
    neverExportable: Bool? = nil,
    deletionProtected: Bool? = nil,
    allowedDestinations: [String]? = nil,
    requiredApprovals: Int? = nil,
    rotationPeriod: Int64? = nil
  ) {
    self.operations = operations
    self.neverExportable = neverExportable
    self.deletionProtected = deletionProtected
    self.allowedDestinations = allowedDestinations
    self.requiredApprovals = requiredApprovals
    self.rotationPeriod = rotationPeriod
  }

  /// The attributes of a key of `type` after this change.
  ///
  /// Whether it loosens a limit is the service's question (`KeyAttributes.loosening`).
  package func applied(
    to attributes: KeyAttributes,
    of type: KeyType
  ) throws(ServiceError) -> KeyAttributes {
    var result = attributes
    if let operations { result.operations = try WireText.operations(operations, of: type) }
    if let neverExportable { result.neverExportable = neverExportable }
    if let deletionProtected { result.deletionProtected = deletionProtected }
    if let allowedDestinations {
      result.allowedDestinations = try WireText.destinations(allowedDestinations)
    }
    if let requiredApprovals {
      guard (0...16).contains(requiredApprovals) else {
        throw ServiceError(.invalidRequest, "'required_approvals' is not within 0 and 16.")
      }
      result.requiredApprovals = requiredApprovals
    }
    if let rotationPeriod {
      guard rotationPeriod == 0 || (3600...3_153_600_000).contains(rotationPeriod) else {
        throw ServiceError(
          .invalidRequest,
          "'rotation_period' is not within one hour and 100 years.",
          remedy: "Give it in seconds, or 0 for no rotation by the server."
        )
      }
      result.rotationPeriod = rotationPeriod == 0 ? nil : rotationPeriod
    }
    return result
  }
}
