import Foundation
import KeywardAudit
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Quorum approvals as a requester, two approvers and everybody else meet them.
@Suite
struct ApprovalTests {
  static let policy = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: user}
    spec:
      rules:
        - {effect: allow, operations: ["key:*"], resources: ["keys/**"]}
        - {effect: allow, operations: ["approval:*"], resources: [approvals]}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: users}
    spec:
      role: user
      subjects:
        - {issuer: tokens, name: ann}
        - {issuer: tokens, name: bob}
        - {issuer: tokens, name: cid}
        - {issuer: tokens, name: eve}
    ---
    apiVersion: keyward.dev/v1
    kind: ApprovalRule
    metadata: {name: two}
    spec:
      operations: ["key:*"]
      resources: ["keys/guarded/**"]
      require: {n: 2, of: [{issuer: tokens, name: ann}, {issuer: tokens, name: bob},
        {issuer: tokens, name: cid}]}
      valid_for: 1h

    """

  static let (ann, bob, cid, eve) = (
    Caller.named("ann"), Caller.named("bob"), Caller.named("cid"), Caller.named("eve")
  )

  private static func server() async throws -> TestServer {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.create("guarded/key")
    try await server.create("guarded/other")
    try await server.apply(policy)
    return server
  }

  /// One of each way in: an answer and a change.
  enum Act: String, CaseIterable, Sendable {
    case encrypt
    case rotate

    func perform(_ server: TestServer, _ caller: Caller) async throws {
      switch self {
      case .encrypt:
        _ = try await server.service.encrypt(
          caller,
          name: "guarded/key",
          CryptoRequest(),
          plaintext: .of("x")
        )
      case .rotate: _ = try await server.service.rotateKey(caller, name: "guarded/key")
      }
    }

    /// Asks, and returns the approval that is then waited for.
    func ask(_ server: TestServer, _ caller: Caller) async throws -> ApprovalID {
      let error = await refused(.approvalRequired) { try await perform(server, caller) }
      let words = try #require(error?.message)
      let start = try #require(words.range(of: "apr-")).lowerBound
      return try #require(ApprovalID(String(words[start...].prefix(30))))
    }
  }

  private static func approve(
    _ server: TestServer,
    _ id: ApprovalID,
    _ voters: [Caller]
  ) async throws {
    for voter in voters { _ = try await server.service.vote(voter, id, isApproval: true) }
  }

  @Test(arguments: Act.allCases)
  func twoSayYesAndItIsDoneOnce(_ act: Act) async throws {
    let server = try await Self.server()
    let id = try await act.ask(server, Self.eve.asking("a"))
    #expect(try await act.ask(server, Self.eve.asking("a")) == id)
    let asking = Self.eve.asking("a", id)
    await refused(.approvalRequired) { try await act.perform(server, asking) }
    try await Self.approve(server, id, [Self.ann])
    await refused(.approvalRequired) { try await act.perform(server, asking) }
    #expect(try await server.service.showApproval(Self.ann, id).state == "pending")
    try await Self.approve(server, id, [Self.bob])
    #expect(try await server.service.showApproval(Self.ann, id).state == "approved")
    let versions = try server.key("guarded/key")?.versions.count
    try await act.perform(server, asking)
    #expect(
      try server.key("guarded/key")?.versions.count == (versions ?? 0) + (act == .rotate ? 1 : 0)
    )
    #expect(try await server.service.showApproval(Self.ann, id).state == "used")
    await refused(.approvalRequired) { try await act.perform(server, asking) }
    #expect(try await act.ask(server, Self.eve.asking("a")) != id)
    let done = try server.events().filter { $0.approval == id.description }
    #expect(done.contains { $0.operation == "key:\(act.rawValue)" && $0.outcome == .allowed })
    #expect(done.count { $0.operation == "approval:approve" && $0.outcome == .allowed } == 2)
  }

  @Test(arguments: Act.allCases)
  func anApprovalIsOfJustOneRequest(_ act: Act) async throws {
    let server = try await Self.server()
    let id = try await act.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann, Self.bob])
    let other: Act = act == .rotate ? .encrypt : .rotate
    let wrong: [@Sendable () async throws -> Void] = [
      // A changed byte, no digest, another operation, another requester, another key.
      { try await act.perform(server, Self.eve.asking("b", id)) },
      { try await other.perform(server, Self.eve.asking("a", id)) },
      { try await act.perform(server, Self.cid.asking("a", id)) },
      { try await act.perform(server, Caller.officer.asking("a", id)) },
      {
        _ = try await server.service.rotateKey(Self.eve.asking("a", id), name: "guarded/other")
      },
    ]
    for attempt in wrong { await refused(.approvalRequired) { try await attempt() } }
    // Nor is it spent by any of them.
    try await act.perform(server, Self.eve.asking("a", id))
  }

  @Test
  func whatCannotCarryAnApprovalIsRefused() async throws {
    let server = try await Self.server()
    await refused(.approvalRequired) { try await Act.encrypt.perform(server, Self.eve) }
    await refused(.approvalRequired) { try await server.kmsEncrypt("guarded/key") }
    #expect(
      try await server.service.listApprovals(Self.ann, limit: 10, cursor: nil).approvals.isEmpty
    )
  }

  @Test
  func nobodyApprovesTheirOwnRequestNorTwice() async throws {
    let server = try await Self.server()
    let id = try await Act.encrypt.ask(server, Self.ann.asking("a"))
    await refused(.forbidden) { try await Self.approve(server, id, [Self.ann]) }
    try await Self.approve(server, id, [Self.bob])
    await refused(.conflict) { try await Self.approve(server, id, [Self.bob]) }
    // Who may approve in general is not yet somebody whom the rule names.
    await refused(.forbidden) { try await Self.approve(server, id, [Self.eve]) }
    await refused(.forbidden) { try await Self.approve(server, id, [.officer]) }
    await refused(.approvalRequired) {
      try await Act.encrypt.perform(server, Self.ann.asking("a", id))
    }
    try await Self.approve(server, id, [Self.cid])
    try await Act.encrypt.perform(server, Self.ann.asking("a", id))
  }

  @Test(arguments: [(Int64(3599), true), (3600, false), (3601, false), (-7200, true)])
  func itEndsWithItsTime(_ seconds: Int64, _ holds: Bool) async throws {
    let server = try await Self.server()
    let id = try await Act.encrypt.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann, Self.bob])
    server.clock.advance(seconds: seconds)
    if holds {
      try await Act.encrypt.perform(server, Self.eve.asking("a", id))
    } else {
      await refused(.approvalRequired) {
        try await Act.encrypt.perform(server, Self.eve.asking("a", id))
      }
      await refused(.conflict) { try await Self.approve(server, id, [Self.cid]) }
    }
  }

  @Test
  func oneNoEndsIt() async throws {
    let server = try await Self.server()
    let id = try await Act.rotate.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann, Self.bob])
    #expect(try await server.service.vote(Self.cid, id, isApproval: false).state == "denied")
    await refused(.approvalRequired) {
      try await Act.rotate.perform(server, Self.eve.asking("a", id))
    }
    #expect(try await Act.rotate.ask(server, Self.eve.asking("a")) != id)
  }

  @Test(arguments: Act.allCases)
  func aVoteOfSomebodyWhoLostTheRightCountsNoMore(_ act: Act) async throws {
    let server = try await Self.server()
    let id = try await act.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann, Self.bob])
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: users}
      spec:
        role: user
        subjects: [{issuer: tokens, name: ann}, {issuer: tokens, name: cid}, {issuer: tokens, name: eve}]
      """
    )
    await refused(.approvalRequired) { try await act.perform(server, Self.eve.asking("a", id)) }
    try await Self.approve(server, id, [Self.cid])
    try await act.perform(server, Self.eve.asking("a", id))
  }

  @Test
  func aRuleThatCameMeanwhileIsAskedToo() async throws {
    let server = try await Self.server()
    let id = try await Act.encrypt.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann, Self.bob])
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: ApprovalRule
      metadata: {name: more}
      spec:
        operations: [key:encrypt]
        resources: ["keys/guarded/*"]
        require: {n: 1, of: [{issuer: tokens, name: cid}]}
      """
    )
    await refused(.approvalRequired) {
      try await Act.encrypt.perform(server, Self.eve.asking("a", id))
    }
    try await Self.approve(server, id, [Self.cid])
    try await Act.encrypt.perform(server, Self.eve.asking("a", id))
  }

  /// What failed has used nothing: the same approval is good for another try.
  @Test(arguments: Act.allCases)
  func aFailedActGivesItBack(_ act: Act) async throws {
    let server = try await Self.server()
    let id = try await act.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann, Self.bob])
    try server.faults.failCommits(1)
    await refused(.storageFull) { try await act.perform(server, Self.eve.asking("a", id)) }
    guard act == .encrypt else {
      try await act.perform(server, Self.eve.asking("a", id))
      return
    }
    // And one whose act itself is refused.
    let state = try #require(server.key("guarded/key")?.versions.first)
    let suspend = try await Self.stateChange(server, "suspended", state.number)
    #expect(suspend)
    await refused(.keyState) { try await act.perform(server, Self.eve.asking("a", id)) }
    #expect(try await Self.stateChange(server, "active", state.number))
    try await act.perform(server, Self.eve.asking("a", id))
    await refused(.approvalRequired) { try await act.perform(server, Self.eve.asking("a", id)) }
  }

  /// Changes the state of the key by way of an approval of its own.
  private static func stateChange(
    _ server: TestServer,
    _ state: String,
    _ version: Int
  ) async throws -> Bool {
    let to = try #require(KeyState(rawValue: state))
    let error = await refused(.approvalRequired) {
      try await server.service.setState(
        .officer.asking(state),
        name: "guarded/key",
        version: version,
        to: to
      )
    }
    let words = try #require(error?.message)
    let start = try #require(words.range(of: "apr-")).lowerBound
    let id = try #require(ApprovalID(String(words[start...].prefix(30))))
    try await approve(server, id, [ann, bob])
    _ = try await server.service.setState(
      .officer.asking(state, id),
      name: "guarded/key",
      version: version,
      to: to
    )
    return true
  }

  @Test(arguments: Act.allCases)
  func aRestartAndASealKeepIt(_ act: Act) async throws {
    let server = try await Self.server()
    let id = try await act.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann])
    try await server.restart()
    try await Self.approve(server, id, [Self.bob])
    await refused(.conflict) { try await Self.approve(server, id, [Self.ann]) }
    _ = try await server.service.seal(.officer)
    await refused(.sealed) { try await act.perform(server, Self.eve.asking("a", id)) }
    try await server.unseal()
    try await act.perform(server, Self.eve.asking("a", id))
    try await server.restart()
    await refused(.approvalRequired) { try await act.perform(server, Self.eve.asking("a", id)) }
  }

  /// Of many at the same moment one goes through.
  @Test(arguments: Act.allCases)
  func ofManyAtOnceOneGoesThrough(_ act: Act) async throws {
    let server = try await Self.server()
    let id = try await act.ask(server, Self.eve.asking("a"))
    try await Self.approve(server, id, [Self.ann, Self.bob])
    let done = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<40 {
        group.addTask { (try? await act.perform(server, Self.eve.asking("a", id))) != nil }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(done == 1)
  }

  /// The open requests of one identity are bounded, and ended ones make room.
  @Test
  func oneIdentityCannotFillTheBook() async throws {
    let server = try await Self.server()
    for number in 0..<100 { _ = try await Act.encrypt.ask(server, Self.eve.asking("\(number)")) }
    await refused(.tooManyRequests) { try await Act.encrypt.perform(server, Self.eve.asking("x")) }
    _ = try await Act.encrypt.ask(server, Self.cid.asking("x"))
    server.clock.advance(seconds: 3600)
    _ = try await Act.encrypt.ask(server, Self.eve.asking("x"))
  }
}
