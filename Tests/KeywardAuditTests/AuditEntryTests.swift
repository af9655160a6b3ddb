import KeywardAudit
import KeywardModel
import Testing

@Suite
struct AuditEntryTests {
  @Test
  func writesTheDocumentedBytes() throws {
    let event = AuditEvent(
      time: 1_795_435_200_123,
      request: "8f14e45fceea167a",
      principal: AuditPrincipal(kind: .kmsSocket, name: "etcd/prod-eu", uid: 0, pid: 4711),
      source: .kms,
      operation: "key:encrypt",
      resource: "keys/etcd/prod-eu",
      key: AuditKey(id: "k_01", version: 3, hash: KeyIDHash(keyID: "v1")),
      kmsUID: "2f9d",
      outcome: .allowed,
      reason: "ok",
      rule: "role/etcd-encrypter#0",
      details: [.count(1), .state(from: .preActive, to: .active)]
    )
    let text = String(decoding: AuditEntry(index: 12, event: event).encoded(), as: UTF8.self)
    #expect(
      text == #"{"v":1,"index":12,"time":"2026-11-23T12:00:00.123Z","request":"8f14e45fceea167a","#
        + #""principal":{"kind":"kms-socket","name":"etcd/prod-eu","uid":0,"pid":4711},"#
        + #""source":"kms","operation":"key:encrypt","resource":"keys/etcd/prod-eu","#
        + #""key":{"id":"k_01","version":3,"hash":"sha256:"#
        + #"3bfc269594ef649228e9a74bab00f042efc91d5acc6fbee31a382e80d42388fe"},"#
        + #""kms_uid":"2f9d","outcome":"allowed","reason":"ok","rule":"role/etcd-encrypter#0","#
        + #""details":[{"kind":"count","count":1},"#
        + #"{"kind":"state","from":"pre-active","to":"active"}]}"#
    )
  }

  @Test
  func writesTheDocumentedBytesOfTheSecondVersion() throws {
    let event = AuditEvent(
      time: 1_795_435_200_123,
      request: "8f14e45fceea167a",
      principal: AuditPrincipal(
        kind: .oidc,
        name: "repo:acme/app",
        issuer: "github",
        cluster: "prod-eu",
        environment: "prod",
        claims: ["ref": "main", "actor": "a\"b"]
      ),
      source: .https,
      address: "192.0.2.7",
      token: "acc-1",
      approval: "apr-1",
      operation: "key:sign",
      resource: "keys/release",
      outcome: .refused,
      reason: "forbidden"
    )
    let text = String(decoding: AuditEntry(index: 3, event: event).encoded(), as: UTF8.self)
    #expect(
      text == #"{"v":2,"index":3,"time":"2026-11-23T12:00:00.123Z","request":"8f14e45fceea167a","#
        + #""principal":{"kind":"oidc","name":"repo:acme/app","issuer":"github","#
        + #""cluster":"prod-eu","environment":"prod","claims":{"actor":"a%22b","ref":"main"}},"#
        + #""source":"https","address":"192.0.2.7","token":"acc-1","approval":"apr-1","#
        + #""operation":"key:sign","resource":"keys/release","outcome":"refused","#
        + #""reason":"forbidden"}"#
    )
    let swapped = text.replacing(
      #""actor":"a%22b","ref":"main""#,
      with: #""ref":"main","actor":"a%22b""#
    )
    for bad in [swapped, text.replacing(#"{"v":2"#, with: #"{"v":1"#)] {
      #expect(bad != text)
      #expect(throws: AuditError.self) { try AuditEntry(decoding: Array(bad.utf8)) }
    }
  }

  @Test
  func readsBackWhatItWrote() throws {
    for (index, event) in Fixtures.events(2000, seed: 1).enumerated() {
      let entry = AuditEntry(index: UInt64(index), event: event)
      #expect(try AuditEntry(decoding: entry.encoded()) == entry)
    }
  }

  @Test(arguments: Fixtures.details)
  func readsBackEveryDetail(_ detail: AuditDetail) throws {
    let entry = AuditEntry(index: 0, event: Self.event(details: [detail]))
    #expect(try AuditEntry(decoding: entry.encoded()).event.details == [detail])
  }

  @Test(arguments: [
    ("", "-"),
    ("plain text", "plain text"),
    ("a\"b", "a%22b"),
    ("a\\b", "a%5Cb"),
    ("100%", "100%25"),
    ("line\nbreak", "line%0Abreak"),
    ("\u{1b}[2J", "%1B[2J"),
    ("\u{0}", "%00"),
    ("n\u{e9}", "n%C3%A9"),
    ("\u{202e}x", "%E2%80%AEx"),
  ])
  func escapesTextFromOutside(_ text: String, _ expected: String) throws {
    let event = Self.event(kmsUID: text)
    #expect(event.kmsUID == expected)
    let entry = AuditEntry(index: 0, event: event)
    #expect(try AuditEntry(decoding: entry.encoded()) == entry)
  }

  @Test(arguments: [
    (String(repeating: "a", count: 128), 128, false),
    (String(repeating: "a", count: 129), 128, true),
    (String(repeating: "a", count: 1_000_000), 128, true),
    (String(repeating: "\"", count: 42) + "aa", 128, false),
    (String(repeating: "\"", count: 43), 128, true),
    (String(repeating: "\u{1f600}", count: 500), 128, true),
  ])
  func boundsTextFromOutside(_ text: String, _ limit: Int, _ isCut: Bool) throws {
    let event = Self.event(kmsUID: text)
    let uid = try #require(event.kmsUID)
    #expect(uid.utf8.count <= limit)
    #expect(uid.hasSuffix("%~") == isCut)
    #expect(try AuditEntry(decoding: AuditEntry(index: 0, event: event).encoded()).event == event)
  }

  @Test
  func replacesForeignCharactersInCodes() {
    let event = Self.event(reason: "policy.deny \"x\"\n")
    #expect(event.reason == "policy.deny__x__")
  }

  @Test
  func staysBelowItsLimitWithEveryFieldFull() throws {
    let full = String(repeating: "\u{1f600}", count: 1000)
    let big = UInt64.max
    let event = AuditEvent(
      time: big,
      request: full,
      principal: AuditPrincipal(
        kind: .serviceAccount,
        name: full,
        issuer: full,
        cluster: full,
        environment: full,
        claims: Dictionary(uniqueKeysWithValues: (100..<140).map { ("\($0)" + full, full) }),
        uid: .max,
        pid: .max
      ),
      source: .offline,
      address: full,
      token: full,
      approval: full,
      operation: full,
      resource: full,
      key: AuditKey(id: full, version: big, hash: KeyIDHash(keyID: full)),
      kmsUID: full,
      outcome: .refused,
      reason: full,
      rule: full,
      details: Array(repeating: .counters(anchor: big, database: big), count: 50)
    )
    let entry = AuditEntry(index: big, event: event)
    let bytes = entry.encoded()
    #expect(bytes.count <= AuditEntry.maximumSize)
    #expect(event.details.count == AuditEvent.maximumDetails)
    #expect(try AuditEntry(decoding: bytes).encoded() == bytes)
  }

  /// What means the same in JSON is still another spelling, with another hash.
  @Test(arguments: [
    ("{\"v\":1", "{\"v\":2"),
    ("{\"v\":1", "{ \"v\":1"),
    ("\"index\":7", "\"index\":07"),
    ("\"index\":7", "\"index\":7.0"),
    ("\"index\":7", "\"index\":-7"),
    ("\"index\":7", "\"index\":9007199254740992"),
    ("\"index\":7", "\"index\":99999999999999999999"),
    ("\"index\":7,", "\"index\":7,\"index\":7,"),
    ("2026-11-23T", "2026-11-31T"),
    ("2026-11-23T", "2026-02-29T"),
    ("2026-11-23T", "2026-13-23T"),
    ("2026-11-23T", "2026-11-23t"),
    ("2026-11-23T", "1969-11-23T"),
    ("12:00:00.123Z", "24:00:00.123Z"),
    ("12:00:00.123Z", "12:00:60.123Z"),
    ("12:00:00.123Z", "12:00:00.123+"),
    ("12:00:00.123Z", "12:00:00.12Z"),
    ("\"request\":\"r1\"", "\"request\":\"\""),
    ("\"request\":\"r1\"", "\"request\":\"\\u0072\""),
    ("\"request\":\"r1\"", "\"request\":\"%72\""),
    ("\"request\":\"r1\"", "\"request\":\"%2\""),
    ("\"request\":\"r1\"", "\"request\":\"%c3%a9\""),
    ("\"request\":\"r1\"", "\"request\":\"a%~b\""),
    ("\"request\":\"r1\"", "\"request\":\"\u{e9}\""),
    ("\"request\":\"r1\"", "\"request\":null"),
    ("\"kind\":\"token\"", "\"kind\":\"root\""),
    ("\"uid\":5", "\"uid\":4294967296"),
    ("\"outcome\":\"allowed\"", "\"outcome\":\"Allowed\""),
    ("\"reason\":\"ok\"", "\"reason\":\"o k\""),
    ("\"reason\":\"ok\"", "\"reason\":\"ok\",\"secret\":\"x\""),
    ("\"reason\":\"ok\"", "\"reason\":\"ok\",\"details\":[]"),
    ("\"count\":1}", "\"count\":1},{\"kind\":\"note\",\"text\":\"x\"}"),
    ("\"count\":1}", "\"count\":1},"),
    ("\"count\":1}", "\"count\":1,\"x\":2}"),
    ("}]}", "}]}\n"),
    ("}]}", "}]"),
  ])
  func refusesWhatIsNotCanonical(_ from: String, _ to: String) throws {
    let good =
      #"{"v":1,"index":7,"time":"2026-11-23T12:00:00.123Z","request":"r1","principal":"#
      + #"{"kind":"token","name":"a","uid":5},"source":"kms","operation":"key:encrypt","#
      + #""resource":"keys/a","outcome":"allowed","reason":"ok","#
      + #""details":[{"kind":"count","count":1}]}"#
    #expect(try AuditEntry(decoding: Array(good.utf8)).index == 7)
    let parts = good.split(separator: from, maxSplits: 1, omittingEmptySubsequences: false)
    try #require(parts.count == 2, "the case does not apply")
    let bad = Array((parts[0] + to + parts[1]).utf8)
    #expect(throws: AuditError.self) { try AuditEntry(decoding: bad) }
  }

  @Test
  func refusesOversizedEntries() {
    let bytes = [UInt8](repeating: UInt8(ascii: "{"), count: AuditEntry.maximumSize + 1)
    #expect(throws: AuditError.self) { try AuditEntry(decoding: bytes) }
  }

  /// Whatever the bytes, the decoder answers; what it takes, it writes the same again.
  @Test
  func survivesDamagedBytes() {
    var random = SeededGenerator(seed: 7)
    let good = Fixtures.events(50, seed: 2).enumerated().map {
      AuditEntry(index: UInt64($0.offset), event: $0.element).encoded()
    }
    for round in 0..<20_000 {
      var bytes = good[round % good.count]
      for _ in 0...Int(random.next() % 3) {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { bytes = [0] }
      }
      if let entry = try? AuditEntry(decoding: bytes) { #expect(entry.encoded() == bytes) }
    }
  }

  @Test(arguments: [
    0, 951_782_399_999, 951_782_400_000, 951_868_800_000, 1_709_164_800_000, 1_709_251_199_999,
    1_709_251_200_000, 4_107_542_400_000, 253_402_300_799_999,
  ])
  func writesTimesAsTheModelDoes(_ milliseconds: UInt64) throws {
    let bytes = AuditEntry(index: 0, event: Self.event(time: milliseconds)).encoded()
    let expected = Timestamp(milliseconds: Int64(milliseconds)).rfc3339
    #expect(String(decoding: bytes, as: UTF8.self).contains("\"time\":\"\(expected)\""))
    #expect(try AuditEntry(decoding: bytes).event.time == milliseconds)
  }

  @Test
  func takesEveryPrincipalAndStateOfTheModel() {
    #expect(AuditPrincipal(Principal.server).kind.rawValue == Principal.Kind.server.rawValue)
    for state in KeyState.allCases {
      #expect(AuditState(state).rawValue == state.rawValue)
    }
  }

  private static func event(
    time: UInt64 = 0,
    kmsUID: String? = nil,
    reason: String = "ok",
    details: [AuditDetail] = []
  ) -> AuditEvent {
    AuditEvent(
      time: time,
      request: "r",
      principal: AuditPrincipal(kind: .anonymous, name: ""),
      source: .kms,
      operation: "key:decrypt",
      resource: "keys/a",
      kmsUID: kmsUID,
      outcome: .refused,
      reason: reason,
      details: details
    )
  }
}
