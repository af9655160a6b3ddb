import Dispatch
import KeywardAudit
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// The seal through the service: init, unseal, seal, rekey.
@Suite
struct SealTests {
  private static let passphrase = "seven lanterns under a bridge"

  // MARK: - Shamir

  @Test
  func sharesUnsealOneByOne() async throws {
    let server = try await TestServer(usesKeyFile: false)
    #expect(try server.service.sealStatus().initialized == false)
    await refused(.notInitialized) { try await server.unseal(["kwshare1-x"]) }
    let shares = try await server.initialize(.shamir, shares: 5, threshold: 3)
    #expect(shares.count == 5)
    #expect(Set(shares).count == 5)
    // Sealed until the shares were shown to be kept.
    var status = try server.service.sealStatus()
    #expect(status.initialized && status.sealed)
    #expect((status.seal, status.shares, status.threshold) == ("shamir", 5, 3))
    await refused(.sealed) { try await server.create("a/b") }
    for (given, share) in [shares[4], shares[0]].enumerated() {
      status = try await server.unseal([share])
      #expect(status.sealed)
      #expect(status.progress == given + 1)
    }
    status = try await server.unseal([shares[2]])
    #expect(!status.sealed)
    #expect(status.progress == 0)
    try await server.create("a/b")
    await refused(.alreadyInitialized) { try await server.initialize(.shamir) }
    await refused(.conflict) { try await server.unseal([shares[1]]) }
    #expect(try server.service.sealStatus().sealed == false)
  }

  @Test
  func sharesUnsealAtOnceAfterARestart() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 3, threshold: 2)
    for pair in [[0, 1], [1, 2], [2, 0]] {
      try await server.unseal(pair.map { shares[$0] } + [""])
      #expect(try server.service.sealStatus().sealed == false)
      try await server.restart()
      #expect(try server.service.sealStatus().sealed)
    }
    // Capitals and spaces, as a person types it.
    try await server.unseal([shares[0].uppercased() + "  ", "", shares[1]])
    #expect(try server.service.sealStatus().sealed == false)
  }

  /// A wrong share is refused by name and loses nobody's progress.
  @Test
  func wrongSharesAreRefusedAndNamed() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 5, threshold: 3)
    let other = try await TestServer(usesKeyFile: false)
    let foreign = try await other.initialize(.shamir, shares: 5, threshold: 3)
    try await server.unseal([shares[0]])
    var mistyped = Array(shares[1])
    let last = mistyped.count - 1
    mistyped[last] = mistyped[last] == "a" ? "b" : "a"
    let wrong: [(String, String)] = [
      (shares[0], "Share 1 was given already"),
      (foreign[1], "Share 2 belongs to share set"),
      (String(mistyped), "checksum"),
      (String(shares[1].dropLast(6)), "not a share"),
      ("kwshare1-", "not a share"),
      ("hello", "not a share"),
    ]
    for (line, words) in wrong {
      let error = await refused(.wrongShare, "\(words)") { try await server.unseal([line]) }
      #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
      #expect(try server.service.sealStatus().progress == 1)
    }
    // In a request with a good share first, the good one is kept.
    await refused(.wrongShare) { try await server.unseal([shares[3], foreign[0]]) }
    #expect(try server.service.sealStatus().progress == 2)
    try await server.unseal([shares[4]])
    #expect(try server.service.sealStatus().sealed == false)
  }

  @Test
  func impossibleShareSetsAreRefused() async throws {
    let server = try await TestServer(usesKeyFile: false)
    for (shares, threshold) in [(0, 0), (3, 4), (3, 0), (3, 1), (256, 3), (-1, -1)] {
      await refused(.invalidRequest, "\(threshold) of \(shares)") {
        try await server.initialize(.shamir, shares: shares, threshold: threshold)
      }
    }
    #expect(try server.service.sealStatus().initialized == false)
    let one = try await server.initialize(.shamir, shares: 1, threshold: 1)
    try await server.unseal(one)
  }

  // MARK: - Passphrase and key file

  @Test
  func passphrasesUnseal() async throws {
    let server = try await TestServer(usesKeyFile: false)
    for bad in ["", "short", "aaaaaaaaaaaaaaaa", "password1234567", "tab\tin the middle of it"] {
      await refused(.invalidRequest, "\(bad)") {
        try await server.initialize(.passphrase, passphrase: bad)
      }
    }
    // A line break at the end is the terminal's, not the passphrase's.
    let recovery = try await server.initialize(
      .passphrase,
      shares: 3,
      threshold: 2,
      passphrase: Self.passphrase + "\n"
    )
    #expect(recovery.count == 3)
    #expect(try server.service.sealStatus().sealed)
    for wrong in ["seven lanterns under a bridgE", Self.passphrase + "x", "seven lanterns"] {
      await refused(.wrongPassphrase) { try await server.unseal([wrong]) }
    }
    try await server.unseal([Self.passphrase])
    try await server.create("a/b")
    try await server.restart()
    #expect(try server.service.sealStatus().sealed)
    // The recovery shares open it too.
    try await server.unseal([recovery[0], recovery[2]])
    #expect(try server.key("a/b") != nil)
  }

  @Test
  func aKeyFileUnsealsByItselfAndRecoversWithout() async throws {
    let server = try await TestServer()
    let recovery = try await server.initialize(.keyFile, shares: 3, threshold: 2)
    #expect(try server.service.sealStatus().sealed == false)
    try await server.create("a/b")
    try await server.restart()
    #expect(try server.key("a/b") != nil)
    // The file is gone: sealed, with the reason.
    let content = server.keyFile.bytes
    server.keyFile.bytes = nil
    try await server.restart()
    var status = try server.service.sealStatus()
    #expect(status.sealed && status.initialized)
    #expect(status.reason?.contains("key file") == true)
    await refused(.unavailable) { try await server.unseal() }
    // Another file in its place.
    server.keyFile.bytes = (0..<40).map { UInt8($0) }
    await refused(.wrongPassphrase) { try await server.unseal() }
    server.keyFile.bytes = [1, 2, 3]
    await refused(.invalidRequest) { try await server.unseal() }
    // Back again: an empty request tries it once more.
    server.keyFile.bytes = content
    status = try await server.unseal()
    #expect(!status.sealed)
    #expect(status.reason == nil)
    // Lost for good: the recovery shares open the store.
    server.keyFile.bytes = nil
    try await server.restart()
    try await server.unseal([recovery[1]])
    try await server.unseal([recovery[2]])
    #expect(try server.key("a/b") != nil)
  }

  @Test
  func aSealThatTheServerHasNotIsNotMade() async throws {
    let server = try await TestServer(usesKeyFile: false)
    for seal in [KeywardModel.SealKind.keyFile, .credential] {
      await refused(.invalidRequest) { try await server.initialize(seal) }
    }
    let missing = try await TestServer()
    missing.keyFile.bytes = nil
    await refused(.unavailable) { try await missing.initialize(.keyFile) }
    missing.keyFile.bytes = [UInt8](repeating: 0, count: 32)
    await refused(.invalidRequest) { try await missing.initialize(.keyFile) }
    await refused(.invalidRequest) { try await missing.initialize(.credential) }
    #expect(try missing.service.sealStatus().initialized == false)
  }

  // MARK: - Seal

  @Test
  func sealDropsEverything() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("all/aes", .aes256)
    try await server.importKey("all/ec", .ecP256)
    let made = try await KeyUse.artefacts(server, "all/aes", .aes256)
    let state = try service.unsealed()
    let status = try await service.seal(.officer)
    #expect(status.sealed)
    #expect(status.keys == nil && status.auditSize == nil && status.keyringTerm == nil)
    #expect(try server.store.isUnlocked == false)
    // Whoever still holds the open state holds no keys.
    await refused(.sealed) { try state.rootKey() }
    await refused(.sealed) { try state.keyring() }
    let key = try #require(state.directory.key(named: "all/aes"))
    let version = try #require(key.version(1))
    await refused(.sealed) { try state.symmetric(key, version) }
    for use in KeyUse.allCases {
      await refused(.sealed) { try await use.perform(server, "all/aes", version: nil, made) }
    }
    await refused(.sealed) { try await server.create("a/b") }
    await refused(.sealed) { try await service.rotateKey(.officer, name: "all/aes") }
    await refused(.sealed) {
      try await service.destroyKey(.officer, name: "all/aes", version: nil, after: 0)
    }
    await refused(.sealed) { try await service.rotateKeyring(.officer) }
    await refused(.sealed) {
      try await service.rekey(
        .officer,
        SealRequest(seal: .keyFile, shares: 1, threshold: 1),
        current: .of(""),
        passphrase: .of("")
      )
    }
    await refused(.sealed) { try await service.auditEntries(.officer, from: 0, limit: 1) }
    await refused(.sealed) { try await service.auditCheckpoint(.officer) }
    await refused(.sealed) { try await service.exportAudit(.officer) }
    await refused(.sealed) { try await service.createBackup(.officer) }
    await refused(.sealed) { try await service.fsck(.officer) }
    // Sealing again is nothing, and a tick does nothing.
    _ = try await service.seal(.officer)
    try await server.tick()
    try await server.unseal()
    _ = try await KeyUse.decrypt.perform(server, "all/aes", version: nil, made)
  }

  /// What was refused while sealed comes into the log at unseal, in its order, before the unsealing.
  @Test
  func theJournalComesIntoTheLogInOrder() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 3, threshold: 2)
    try await server.unseal(Array(shares.prefix(2)))
    _ = try await server.service.seal(.officer)
    let start = try server.logSize()
    await refused(.sealed) { try await server.create("a/first") }
    server.clock.advance(seconds: 1)
    await refused(.wrongShare) { try await server.unseal(["kwshare1-x"]) }
    await refused(.forbidden) {
      try await server.service.unseal(.stranger, input: .of(shares[0]), accepting: [])
    }
    server.clock.advance(seconds: 1)
    await refused(.sealed) { try await server.kmsEncrypt("a/second") }
    await refused(.forbidden) { try await server.service.seal(.stranger) }
    try await server.unseal([shares[0]])
    try await server.restart()
    await refused(.sealed) { try await server.service.showKey(.officer, name: "a/third") }
    #expect(try server.logSize() == start)
    try await server.unseal([shares[0], shares[1]])
    let events = try server.events(from: start)
    #expect(
      events.map { "\($0.operation) \($0.outcome) \($0.reason)" } == [
        "key:create refused sealed",
        "operator:unseal refused wrong_share",
        "operator:unseal refused forbidden",
        "key:encrypt refused sealed",
        "operator:seal refused forbidden",
        "operator:unseal allowed ok",
        "key:show refused sealed",
        "operator:unseal allowed ok",
      ]
    )
    #expect(events[2].principal.name == "uid:4242")
    #expect(events[2].rule == "journal:default-deny")
    #expect(events[3].source == .kms)
    #expect(events[3].time == events[0].time + 2000)
    #expect(try server.store.journalCount == 0)
    let report = try await server.service.fsck(.officer)
    #expect(report.ok, "\(report.findings)")
  }

  // MARK: - Without an entry

  /// There is no store whose making the log does not tell.
  @Test
  func initFailsWithoutItsEntry() async throws {
    let server = try await TestServer(isFaulty: true)
    try server.faults.failJournal(1)
    await refused(.storageFull) { try await server.initialize(.keyFile) }
    #expect(try server.service.sealStatus().initialized == false)
    #expect(try server.store.identity == nil)
    try await server.restart()
    #expect(try server.service.sealStatus().initialized == false)
    _ = try await server.initialize(.keyFile)
    #expect(
      try server.events().map { "\($0.operation) \($0.outcome)" } == [
        "operator:init allowed", "operator:unseal allowed",
      ]
    )
  }

  /// A share whose entry cannot be written does not count, and can be given again.
  @Test
  func aShareCountsOnlyWithItsEntry() async throws {
    let server = try await TestServer(usesKeyFile: false, isFaulty: true)
    let shares = try await server.initialize(.shamir, shares: 5, threshold: 3)
    for given in [[shares[0]], [shares[0], shares[1]], [shares[0], "kwshare1-x"]] {
      try server.faults.failJournal(.max)
      await refused(given.last == "kwshare1-x" ? .wrongShare : .storageFull) {
        try await server.unseal(given)
      }
      #expect(try server.service.sealStatus().progress == 0)
      try server.faults.failJournal(0)
    }
    #expect(try await server.unseal([shares[0]]).progress == 1)
    try server.faults.failJournal(.max)
    await refused(.storageFull) { try await server.unseal([shares[1]]) }
    #expect(try server.service.sealStatus().progress == 1)
    try server.faults.failJournal(0)
    #expect(try await server.unseal([shares[1]]).progress == 2)
    try server.faults.failCommits(1)
    await refused(.storageFull) { try await server.unseal([shares[2]]) }
    #expect(try server.service.sealStatus().sealed)
    #expect(try await server.unseal(Array(shares.prefix(3))).sealed == false)
  }

  /// Better sealed and unsaid than open.
  @Test
  func sealingWorksOnABrokenDisk() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.create("a/key")
    try server.faults.failCommits(.max)
    try server.faults.failJournal(.max)
    #expect(try await server.service.seal(.officer).sealed)
    await refused(.sealed) { try await server.kmsEncrypt("a/key") }
  }

  /// What waits for the disk when a seal comes first is refused, and its entry says so.
  @Test
  func whatASealOvertakesHasItsEntry() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.create("a/key")
    let service = try server.service
    let start = try server.logSize()
    let gate = DispatchSemaphore(value: 0)
    try server.faults.holdNextCommit { gate.wait() }
    async let held = service.listKeys(
      .officer,
      prefix: "",
      limit: 1,
      cursor: nil,
      deleted: false
    )
    try await Task.sleep(for: .milliseconds(200))
    async let sealed = service.seal(.officer)
    // The seal is in the queue before the others are.
    try await Task.sleep(for: .milliseconds(200))
    async let used = refused(.sealed) { try await service.showKey(.officer, name: "a/key") }
    async let changed = refused(.sealed) { try await service.rotateKey(.officer, name: "a/key") }
    async let encrypted = refused(.sealed) { try await server.kmsEncrypt("a/key") }
    try await Task.sleep(for: .milliseconds(200))
    gate.signal()
    _ = try await (held, sealed, used, changed, encrypted)
    try await server.unseal()
    let events = try server.events(from: start)
    #expect(events.prefix(2).map(\.operation) == ["key:list", "operator:seal"])
    #expect(events.last?.operation == "operator:unseal")
    #expect(
      Set(events.dropFirst(2).dropLast().map { "\($0.operation) \($0.outcome) \($0.reason)" }) == [
        "key:show refused sealed", "key:rotate refused sealed", "key:encrypt refused sealed",
      ]
    )
    #expect(events.count == 6)
    #expect(try server.key("a/key")?.versions.count == 1)
  }

  /// A flood against a sealed server fills neither memory nor disk; what is not kept is counted.
  @Test
  func theJournalIsBounded() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 1, threshold: 1)
    let flood = 12_000
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<flood / 8 {
            await refused(.sealed) {
              try await server.service.showKey(.officer, name: "any/key")
            }
          }
        }
      }
    }
    // One more goes through the writing thread, so everything before it is written.
    await refused(.wrongShare) { try await server.unseal(["kwshare1-x"]) }
    #expect(try server.store.journalCount <= SQLiteStore.journalLimit)
    try await server.unseal(shares)
    let events = try server.events()
    let unsealing = try #require(events.last)
    #expect(unsealing.operation == "operator:unseal")
    let dropped = unsealing.details.compactMap { detail -> UInt64? in
      if case .dropped(let count) = detail { count } else { nil }
    }.reduce(0, +)
    let kept = events.count { $0.operation == "key:show" || $0.reason == "wrong_share" }
    #expect(UInt64(kept) + dropped == UInt64(flood) + 1)
    #expect(dropped > 0)
  }

  // MARK: - Rekey

  private static func rekey(
    _ server: TestServer,
    _ seal: KeywardModel.SealKind,
    _ shares: Int,
    _ threshold: Int,
    current: [String]
  ) async throws -> [String] {
    try await server.rekey(seal, shares, threshold, proof: current, passphrase: passphrase)
  }

  @Test
  func rekeyNeedsPresentSharesAndMakesNewOnes() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let old = try await server.initialize(.shamir, shares: 3, threshold: 2)
    try await server.unseal(Array(old.prefix(2)))
    try await server.create("a/b")
    for current in [[], [old[0]], [old[0], old[0]], [old[0], "kwshare1-x"]] {
      await refused(.wrongShare) { try await Self.rekey(server, .shamir, 5, 3, current: current) }
    }
    await refused(.wrongPassphrase) {
      try await Self.rekey(server, .shamir, 5, 3, current: [Self.passphrase])
    }
    let new = try await Self.rekey(server, .shamir, 5, 3, current: [old[2], old[0]])
    #expect(new.count == 5)
    #expect(try server.service.sealStatus().rekeyPending)
    #expect(try server.key("a/b") != nil)
    // Until the new shares are shown to have arrived, either set opens the store.
    try await server.restart()
    #expect(try server.service.sealStatus().rekeyPending)
    try await server.unseal([new[1], new[2], new[3]])
    try await server.restart()
    try await server.unseal([old[1], old[2]])
    for shares in [[], [new[0], new[1]], [new[0], new[0], new[1]]] {
      await refused(.wrongShare) { try await server.confirmRekey(shares) }
    }
    try await server.confirmRekey([new[0], new[3], new[4]])
    #expect(try server.service.sealStatus().rekeyPending == false)
    // The old shares prove nothing and open nothing any more.
    await refused(.wrongShare) { try await Self.rekey(server, .shamir, 3, 2, current: old) }
    try await server.restart()
    for share in old {
      await refused(.wrongShare) { try await server.unseal([share]) }
    }
    let status = try await server.unseal([new[4], new[2]])
    #expect(status.sealed && status.progress == 2)
    #expect((status.shares, status.threshold) == (5, 3))
    try await server.unseal([new[0]])
    #expect(try server.key("a/b") != nil)
    let outcomes = try server.events().filter { $0.operation == "operator:rekey" }.map(\.outcome)
    #expect(
      outcomes == Array(repeating: .refused, count: 5) + [.allowed]
        + Array(repeating: .refused, count: 3) + [.allowed, .refused]
    )
    let report = try await server.service.fsck(.officer)
    #expect(report.ok, "\(report.findings)")
  }

  /// Confirming the old shares takes the new ones back.
  @Test
  func aRekeyIsTakenBackByTheOldShares() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let old = try await server.initialize(.shamir, shares: 3, threshold: 2)
    try await server.unseal(Array(old.prefix(2)))
    let new = try await Self.rekey(server, .shamir, 2, 2, current: old)
    try await server.confirmRekey(old)
    try await server.restart()
    await refused(.wrongShare) { try await server.unseal([new[0]]) }
    try await server.unseal(Array(old.suffix(2)))
    #expect(try server.service.sealStatus().sealed == false)
  }

  @Test
  func rekeyChangesTheKindOfSeal() async throws {
    let server = try await TestServer()
    let shares = try await server.initialize(.shamir, shares: 3, threshold: 2)
    try await server.unseal(Array(shares.prefix(2)))
    try await server.create("a/b")
    #expect(try server.service.sealStatus().rekeyPending == false)
    let first = try await Self.rekey(server, .keyFile, 2, 2, current: Array(shares.suffix(2)))
    #expect(try server.service.sealStatus().rekeyPending)
    try await server.confirmRekey(first)
    try await server.restart()
    #expect(try server.service.sealStatus().seal == "key-file")
    #expect(try server.key("a/b") != nil)
    // A key file on the server proves nobody: its recovery shares do.
    await refused(.wrongShare) { try await Self.rekey(server, .passphrase, 2, 2, current: []) }
    let second = try await Self.rekey(server, .passphrase, 2, 2, current: first)
    try await server.confirmRekey(second)
    try await server.restart()
    #expect(try server.service.sealStatus().sealed)
    await refused(.wrongShare) { try await server.unseal([shares[0]]) }
    await refused(.wrongShare) { try await server.unseal([first[0]]) }
    await refused(.wrongShare) { try await server.unseal() }
    try await server.unseal([Self.passphrase])
    #expect(try server.key("a/b") != nil)
    _ = try await server.service.seal(.officer)
    try await server.unseal(second)
    // The passphrase proves its own seal.
    let third = try await Self.rekey(server, .shamir, 1, 1, current: [Self.passphrase])
    try await server.confirmRekey(third)
    _ = try await server.service.seal(.officer)
    await refused(.wrongShare) { try await server.unseal([Self.passphrase]) }
    try await server.unseal(third)
    #expect(try server.key("a/b") != nil)
    let report = try await server.service.fsck(.officer)
    #expect(report.ok, "\(report.findings)")
  }
}
