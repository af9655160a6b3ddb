/// What a key may do and where it may go; all of it can be tightened and nothing loosened.
///
/// `rotationPeriod` and `description` are not limits and may change freely.
package struct KeyAttributes: Hashable, Sendable {
  /// The operations its versions may do, within what the type can do.
  package var operations: KeyOperations

  /// No route lets the material out, whatever policy says.
  ///
  /// Once true, true for good.
  package var neverExportable: Bool

  /// The key and its versions cannot be destroyed.
  ///
  /// Once true, true for good.
  package var deletionProtected: Bool

  /// The destinations that `cloud-export` may send it to; nil means any that policy allows.
  package var allowedDestinations: Set<String>?

  /// How many approvals a change, an export or a destruction asks for; 0 asks for none.
  package var requiredApprovals: Int

  /// Seconds between rotations that the server does by itself; nil for none.
  package var rotationPeriod: Int64?

  package init(
    operations: KeyOperations,
    neverExportable: Bool = false,
    deletionProtected: Bool = false,
    allowedDestinations: Set<String>? = nil,
    requiredApprovals: Int = 0,
    rotationPeriod: Int64? = nil
  ) {
    self.operations = operations
    self.neverExportable = neverExportable
    self.deletionProtected = deletionProtected
    self.allowedDestinations = allowedDestinations
    self.requiredApprovals = requiredApprovals
    self.rotationPeriod = rotationPeriod
  }

  /// The name of the first limit in which `self` is looser than `original`; nil if there is none.
  package func loosening(of original: KeyAttributes) -> String? {
    if !operations.isSubset(of: original.operations) { return "operations" }
    if original.neverExportable && !neverExportable { return "never_exportable" }
    if original.deletionProtected && !deletionProtected { return "deletion_protected" }
    if let before = original.allowedDestinations {
      guard let after = allowedDestinations, after.isSubset(of: before) else {
        return "allowed_destinations"
      }
    }
    if requiredApprovals < original.requiredApprovals { return "required_approvals" }
    return nil
  }

  /// The attributes that are as tight as both: what a restore must keep.
  package func tightened(by other: KeyAttributes) -> KeyAttributes {
    var result = self
    result.operations.formIntersection(other.operations)
    result.neverExportable = neverExportable || other.neverExportable
    result.deletionProtected = deletionProtected || other.deletionProtected
    if let theirs = other.allowedDestinations {
      result.allowedDestinations = allowedDestinations?.intersection(theirs) ?? theirs
    }
    result.requiredApprovals = max(requiredApprovals, other.requiredApprovals)
    return result
  }
}
