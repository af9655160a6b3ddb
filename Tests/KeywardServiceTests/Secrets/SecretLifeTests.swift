import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// The life of a secret's versions, over restarts too.
@Suite
struct SecretLifeTests {
  private static func server() async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.declare("dev")
    return server
  }

  @Test
  func versionsAreWrittenPinnedAndKept() async throws {
    let server = try await Self.server()
    #expect(try await server.put("p/db", in: "dev", ["password": "one"]).secret.latestVersion == 1)
    #expect(try await server.put("p/db", in: "dev", ["password": "two"]).secret.latestVersion == 2)
    for _ in 0..<2 {
      #expect(try await server.value("kw://p/db#password", in: "dev") == "two")
      #expect(try await server.value("kw://p/db?version=1#password", in: "dev") == "one")
      #expect(try await server.value("kw://p/db?version=3#password", in: "dev") == nil)
      #expect(try await server.value("kw://p/db#other", in: "dev") == nil)
      try await server.restart()
    }
    #expect(try await server.service.fsck(.officer).ok)
  }

  /// Values are bytes: empty, with zeros, not UTF-8, of the largest size.
  @Test
  func valuesAreAnyBytes() async throws {
    let server = try await Self.server()
    let values: [[UInt8]] = [
      [], [0], [0xff, 0xfe, 0], Array("a\nb\r\n".utf8),
      [UInt8](repeating: 0xa5, count: SecretLimits.fieldBytes),
    ]
    let fields = values.indices.map {
      PutSecretRequest.Field(name: "f\($0)", length: values[$0].count)
    }
    _ = try await server.service.putSecret(
      .officer,
      "p/bytes",
      PutSecretRequest(environment: "dev", fields: fields),
      values: try values.map { try SecretBox.of($0) }
    )
    for _ in 0..<2 {
      let whole = try await server.fetch(["kw://p/bytes"], in: "dev")
      #expect(whole.values.map(\.plain) == values)
      #expect(whole.head.lengths == values.map(\.count))
      #expect(whole.head.results.first?.values.map(\.field) == fields.map(\.name))
      let backwards = try await server.fetch(
        values.indices.reversed().map { "kw://p/bytes#f\($0)" },
        in: "dev"
      )
      #expect(backwards.values.map(\.plain) == values.reversed())
      try await server.restart()
    }
  }

  @Test
  func checkAndSetComparesWithTheLatestNumber() async throws {
    let server = try await Self.server()
    await refused(.conflict) { try await server.put("p/a", in: "dev", ["x": "1"], expecting: 1) }
    try await server.put("p/a", in: "dev", ["x": "1"], expecting: 0)
    await refused(.conflict) { try await server.put("p/a", in: "dev", ["x": "2"], expecting: 0) }
    await refused(.conflict) { try await server.put("p/a", in: "dev", ["x": "2"], expecting: 2) }
    try await server.put("p/a", in: "dev", ["x": "2"], expecting: 1)
    // Numbers are not used again after everything was destroyed: an old expectation stays wrong.
    _ = try await server.service.destroySecret(
      .officer,
      "p/a",
      SecretVersionsRequest(environment: "dev", all: true)
    )
    try await server.restart()
    await refused(.conflict) { try await server.put("p/a", in: "dev", ["x": "3"], expecting: 0) }
    #expect(
      try await server.put("p/a", in: "dev", ["x": "3"], expecting: 2).secret.latestVersion == 3
    )
  }

  @Test
  func deletedComesBackAndDestroyedDoesNot() async throws {
    let server = try await Self.server()
    let name: SecretName = "p/a"
    try await server.put(name, in: "dev", ["x": "one"])
    try await server.put(name, in: "dev", ["x": "two"])
    let newest = SecretVersionsRequest(environment: "dev")
    _ = try await server.service.deleteSecret(.officer, name, newest)
    // A deleted newest version is not replaced by the one before it.
    let gone = try await server.fetch(["kw://p/a#x", "kw://p/a?version=1#x"], in: "dev")
    #expect(gone.head.results.map(\.outcome) == [.deleted, .allowed])
    #expect(gone.values.isEmpty && !gone.head.isComplete)
    _ = try await server.service.undeleteSecret(.officer, name, newest)
    #expect(try await server.value("kw://p/a#x", in: "dev") == "two")
    let envelope = try #require(
      try server.store.read { _ in true }
        ? server.service.unsealed().secrets.entry(SecretPath("dev", name)) : nil
    )
    _ = envelope
    _ = try await server.service.destroySecret(.officer, name, newest)
    await refused(.keyState) {
      try await server.service.rollbackSecret(
        .officer,
        name,
        SecretVersionsRequest(environment: "dev", versions: [2])
      )
    }
    _ = try await server.service.undeleteSecret(.officer, name, newest)
    let destroyed = try await server.fetch(["kw://p/a#x"], in: "dev")
    #expect(destroyed.head.results.map(\.outcome) == [.destroyed])
    let history = try await server.service.showSecret(.officer, name, environment: "dev")
    #expect(history.versions.map(\.state) == [.active, .destroyed])
    try await server.restart()
    #expect(try await server.fetch(["kw://p/a#x"], in: "dev").values.isEmpty)
    #expect(try await server.service.fsck(.officer).ok)
  }

  @Test
  func rollbackMakesTheOldValueTheNewest() async throws {
    let server = try await Self.server()
    let name: SecretName = "p/a"
    for value in ["one", "two", "three"] { try await server.put(name, in: "dev", ["x": value]) }
    let back = try await server.service.rollbackSecret(
      .officer,
      name,
      SecretVersionsRequest(environment: "dev", versions: [1], expectedVersion: 3)
    )
    #expect(back.secret.latestVersion == 4)
    #expect(back.secret.versions.last?.origin == .rollback)
    #expect(try await server.value("kw://p/a#x", in: "dev") == "one")
    await refused(.conflict) {
      try await server.service.rollbackSecret(
        .officer,
        name,
        SecretVersionsRequest(environment: "dev", versions: [1], expectedVersion: 3)
      )
    }
    await refused(.notFound) {
      try await server.service.rollbackSecret(
        .officer,
        name,
        SecretVersionsRequest(environment: "dev", versions: [9])
      )
    }
  }

  @Test
  func versionsExpireAndTheOldestGo() async throws {
    let server = try await Self.server()
    let name: SecretName = "p/a"
    try await server.put(name, in: "dev", ["x": "brief"]) { $0.expiresIn = 60 }
    #expect(try await server.value("kw://p/a#x", in: "dev") == "brief")
    server.clock.advance(seconds: 60)
    let late = try await server.fetch(["kw://p/a#x"], in: "dev")
    #expect(late.head.results.map(\.outcome) == [.expired] && late.values.isEmpty)
    for number in 2...6 {
      try await server.put(name, in: "dev", ["x": "\(number)"]) { $0.mostVersions = 3 }
    }
    let kept = try await server.service.showSecret(.officer, name, environment: "dev")
    #expect(kept.versions.map(\.version) == [4, 5, 6])
    try await server.restart()
    #expect(try await server.value("kw://p/a?version=4#x", in: "dev") == "4")
    #expect(try await server.value("kw://p/a?version=3#x", in: "dev") == nil)
    #expect(try await server.service.fsck(.officer).ok)
  }

  @Test
  func limitsAreKept() async throws {
    let server = try await Self.server()
    await refused(.invalidRequest) { try await server.put("p/a", in: "dev", [:]) }
    let many = Dictionary(uniqueKeysWithValues: (0...SecretLimits.fields).map { ("f\($0)", "") })
    await refused(.limitExceeded) { try await server.put("p/a", in: "dev", many) }
    let large = String(repeating: "x", count: SecretLimits.fieldBytes + 1)
    await refused(.limitExceeded) { try await server.put("p/a", in: "dev", ["x": large]) }
    let one = String(repeating: "x", count: SecretLimits.fieldBytes)
    await refused(.limitExceeded) {
      try await server.put("p/a", in: "dev", ["x": one, "y": one, "z": "1"])
    }
    try await server.put("p/a", in: "dev", ["x": one, "y": one])
    await refused(.limitExceeded) {
      try await server.fetch([String](repeating: "kw://p/a", count: 5), in: "dev")
    }
    await refused(.notFound) { try await server.put("p/a", in: "nowhere", ["x": "1"]) }
  }

  /// A value of before is told to who may read, and refused where that is asked for.
  @Test
  func reuseOfAnOldValueIsFound() async throws {
    let server = try await Self.server()
    try await server.put("p/a", in: "dev", ["user": "u", "password": "one"])
    let same = try await server.put("p/a", in: "dev", ["user": "u", "password": "two"])
    #expect(same.reused.isEmpty)
    let again = try await server.put("p/a", in: "dev", ["user": "u", "password": "one"])
    #expect(again.reused == ["password (version 1)"])
    // Also of a version whose value is gone, and after a restart.
    _ = try await server.service.destroySecret(
      .officer,
      "p/a",
      SecretVersionsRequest(environment: "dev", versions: [2])
    )
    try await server.restart()
    await refused(.conflict) {
      try await server.put("p/a", in: "dev", ["user": "u", "password": "two"]) {
        $0.refuseReuse = true
      }
    }
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: writers}
      spec: {rules: [{effect: allow, operations: ["secret:write"], resources: ["secrets/**"]}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: writers}
      spec: {role: writers, subjects: [{issuer: tokens, name: writer}]}
      """
    )
    // Who may write and not read could guess values of before by writing them.
    let guess = try await server.put(
      "p/a",
      in: "dev",
      ["password": "two"],
      as: .named("writer")
    )
    #expect(guess.reused.isEmpty)
    await refused(.forbidden) {
      try await server.put("p/a", in: "dev", ["password": "one"], as: .named("writer")) {
        $0.refuseReuse = true
      }
    }
  }

  @Test
  func generatesAndMerges() async throws {
    let server = try await Self.server()
    let forms: [(PutSecretRequest.Generation.Form, String)] = [
      (.alphanumeric, "A-Za-z0-9"), (.digits, "0-9"), (.hex, "0-9a-f"),
      (.base64url, "A-Za-z0-9_-"),
    ]
    var seen: Set<String> = []
    for (form, alphabet) in forms {
      let made = try await server.put("p/gen", in: "dev", [:]) {
        $0.generate = [PutSecretRequest.Generation(field: "v", form: form, length: 64)]
      }
      #expect(made.secret.versions.last?.origin == .generated)
      let text = try #require(try await server.value("kw://p/gen#v", in: "dev"))
      #expect(try #require(try Regex("^[\(alphabet)]{64}$").wholeMatch(in: text)).output.count == 1)
      #expect(seen.insert(text).inserted)
    }
    try await server.put("p/gen", in: "dev", ["given": "x"]) {
      $0.merge = true
      $0.generate = [PutSecretRequest.Generation(field: "key", form: .ed25519)]
    }
    let whole = try await server.fetch(["kw://p/gen"], in: "dev")
    #expect(
      whole.head.results.first?.values.map(\.field) == ["given", "key", "key.pub", "v"]
    )
    let pem = whole.values[1].text
    #expect(pem.hasPrefix("-----BEGIN PRIVATE KEY-----\n") && pem.hasSuffix("KEY-----\n"))
    #expect(whole.values[2].text.hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
    for bad in [0, 4097] {
      await refused(.invalidRequest) {
        try await server.put("p/gen", in: "dev", [:]) {
          $0.generate = [PutSecretRequest.Generation(field: "v", form: .hex, length: bad)]
        }
      }
    }
  }

  @Test
  func aNewTermWrapsValuesAgain() async throws {
    let server = try await Self.server()
    for number in 0..<40 {
      try await server.put("p/s\(number)".name, in: "dev", ["x": "\(number)"])
    }
    _ = try await server.service.rotateKeyring(.officer)
    #expect(try server.service.sealStatus().rewrapPending == 40)
    try await server.restart()
    #expect(try server.service.sealStatus().rewrapPending == 40)
    try await server.tick()
    #expect(try server.service.sealStatus().rewrapPending == 0)
    for _ in 0..<2 {
      for number in 0..<40 {
        #expect(try await server.value("kw://p/s\(number)#x", in: "dev") == "\(number)")
      }
      #expect(try await server.service.fsck(.officer).ok)
      try await server.restart()
    }
    #expect(try server.service.sealStatus().rewrapPending == 0)
  }

  @Test
  func lastUsesAreKeptAndReported() async throws {
    let server = try await Self.server()
    try await server.put("p/used", in: "dev", ["x": "1"])
    try await server.put("p/unused", in: "dev", ["x": "1"])
    server.clock.advance(seconds: 10)
    _ = try await server.value("kw://p/used#x", in: "dev")
    // A plan is no use, nor is a fetch of which nothing was given.
    _ = try await server.fetch(["kw://p/unused#x"], in: "dev", plan: true)
    _ = try await server.fetch(["kw://p/unused#x", "kw://p/nothing#x"], in: "dev")
    try await server.service.tick(60)
    try await server.restart()
    let used = try await server.service.showSecret(.officer, "p/used", environment: "dev")
    #expect(used.versions.last?.uses.map(\.principal) == ["unix/uid:0"])
    let unused = try await server.service.showSecret(.officer, "p/unused", environment: "dev")
    #expect(unused.versions.last?.uses.isEmpty == true)
    let report = try await server.service.reportSecrets(
      .officer,
      environment: nil,
      unusedFor: 5,
      olderThan: 100
    )
    #expect(report.lines.map(\.name) == ["p/unused"])
    server.clock.advance(seconds: 100)
    let stale = try await server.service.reportSecrets(
      .officer,
      environment: "dev",
      unusedFor: 1000,
      olderThan: 100
    )
    #expect(stale.lines.map(\.reasons) == [[.stale], [.stale]])
  }
}

extension String {
  /// A name that the test is sure of.
  var name: SecretName { SecretName(stringLiteral: self) }
}
