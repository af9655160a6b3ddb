import KeywardModel
import Testing

@testable import KeywardAudit

/// What the policy tools read back out of entries.
@Suite
struct AuditedRequestTests {
  private static let caller = Principal(
    kind: .jwt,
    issuer: "github",
    name: "repo:org/Ünicode%name",
    cluster: "prod-eu",
    environment: "prod",
    claims: ["ref": "refs/heads/\"main\"", "empty-ish": "-"]
  )

  private static func event(
    _ principal: Principal = caller,
    operation: String = "key:encrypt",
    resource: String = "keys/etcd/prod-eu",
    address: String? = "10.1.2.3",
    outcome: AuditOutcome = .allowed,
    reason: String = "ok",
    rule: String? = "ci/encrypter#0"
  ) throws -> AuditEvent {
    let event = AuditEvent(
      time: 1_800_000_000_000,
      request: "0123456789abcdef",
      principal: AuditPrincipal(principal),
      source: .https,
      address: address,
      operation: operation,
      resource: resource,
      outcome: outcome,
      reason: reason,
      rule: rule
    )
    // Over the bytes that the log keeps, as the tools have it.
    return try AuditEntry(decoding: AuditEntry(index: 7, event: event).encoded()).event
  }

  private static func omission(_ event: AuditEvent) -> AuditedRequest.Omission? {
    do throws(AuditedRequest.Omission) {
      _ = try AuditedRequest(event)
      return nil
    } catch {
      return error
    }
  }

  @Test
  func everythingThatPolicyLooksAtComesBack() throws {
    let request = try AuditedRequest(try Self.event())
    #expect(request.principal == Self.caller)
    #expect(request.operation == .keyEncrypt)
    #expect(request.resource == "keys/etcd/prod-eu")
    #expect(request.time == Timestamp(milliseconds: 1_800_000_000_000))
    #expect(request.source == NetworkAddress("10.1.2.3"))
    #expect(request.wasAllowed)
    #expect(request.rule == "ci/encrypter#0")
  }

  @Test(arguments: [
    Principal(kind: .unixPeer, name: "uid:7", uid: 7), Principal(kind: .kmsSocket, name: "etcd"),
    Principal(kind: .token, name: "ci", environment: "prod"),
    Principal(kind: .machineRole, name: "backup"), .server,
  ])
  func builtInIssuersComeBackByTheirKind(_ principal: Principal) throws {
    #expect(try AuditedRequest(try Self.event(principal)).principal == principal)
  }

  @Test(arguments: [
    (AuditOutcome.refused, "forbidden", "default-deny", false),
    (.refused, "forbidden", "stop/no-prod#1", false),
    (.refused, "key_usage", "ci/encrypter#0", true),
    (.refused, "approval_required", "ci/encrypter#0", true),
    (.failed, "storage_full", "ci/encrypter#0", true),
  ])
  func aRefusalOfThePolicyIsToldFromOthers(
    _ outcome: AuditOutcome,
    _ reason: String,
    _ rule: String,
    _ wasAllowed: Bool
  ) throws {
    let event = try Self.event(outcome: outcome, reason: reason, rule: rule)
    #expect(try AuditedRequest(event).wasAllowed == wasAllowed)
  }

  @Test
  func whatCannotBeAskedAgainIsSaid() throws {
    #expect(Self.omission(try Self.event(rule: nil)) == .notDecided)
    #expect(Self.omission(try Self.event(rule: "login:jwt")) == .notDecided)
    #expect(Self.omission(try Self.event(.anonymous)) == .notDecided)
    #expect(
      Self.omission(
        try Self.event(
          operation: "approval:approve",
          outcome: .refused,
          reason: "forbidden",
          rule: "officers/approver#0"
        )
      ) == .notDecided
    )
    #expect(Self.omission(try Self.event(operation: "key:melt")) == .unknown)
    let long = String(repeating: "x", count: 600)
    #expect(Self.omission(try Self.event(resource: "keys/" + long)) == .cut)
    #expect(Self.omission(try Self.event(Principal(kind: .token, name: long))) == .cut)
  }
}
