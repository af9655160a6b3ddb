import KeywardModel
import Testing

@Suite
struct KeyAttributesTests {
  private static let base = KeyAttributes(
    operations: [.encrypt, .decrypt],
    neverExportable: true,
    deletionProtected: true,
    allowedDestinations: ["aws:1", "gcp:2"],
    requiredApprovals: 2
  )

  @Test("Each limit can be tightened and not loosened")
  func loosening() {
    func changed(_ edit: (inout KeyAttributes) -> Void) -> String? {
      var attributes = Self.base
      edit(&attributes)
      return attributes.loosening(of: Self.base)
    }
    #expect(changed { $0.operations = [.encrypt] } == nil)
    #expect(changed { $0.operations = [.encrypt, .export] } == "operations")
    #expect(changed { $0.neverExportable = false } == "never_exportable")
    #expect(changed { $0.deletionProtected = false } == "deletion_protected")
    #expect(changed { $0.allowedDestinations = [] } == nil)
    #expect(changed { $0.allowedDestinations = nil } == "allowed_destinations")
    #expect(changed { $0.allowedDestinations = ["aws:1", "x"] } == "allowed_destinations")
    #expect(changed { $0.requiredApprovals = 3 } == nil)
    #expect(changed { $0.requiredApprovals = 1 } == "required_approvals")
    #expect(changed { $0.rotationPeriod = 9 } == nil)
  }

  @Test("Two sets of limits meet in one that loosens neither")
  func tightened() {
    let other = KeyAttributes(
      operations: [.decrypt, .export],
      allowedDestinations: ["gcp:2"],
      requiredApprovals: 5
    )
    let both = Self.base.tightened(by: other)
    #expect(both.loosening(of: Self.base) == nil)
    #expect(both.loosening(of: other) == nil)
    #expect(other.tightened(by: Self.base).operations == both.operations)
  }
}
