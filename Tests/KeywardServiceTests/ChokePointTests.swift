import KeywardAudit
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Every use case asks the policy, and answers only when its entry is on disk.
@Suite
struct ChokePointTests {
  /// One use case of the service, by the name of its operation.
  struct UseCase: CustomTestStringConvertible, Sendable {
    let operation: ServiceOperation
    let run: @Sendable (TestServer, Caller) async throws -> Void

    var testDescription: String { operation.rawValue }
  }

  static let name: KeyName = "guarded/key"

  static let useCases: [UseCase] =
    [
      UseCase(operation: .auditRead) { server, caller in
        _ = try await server.service.auditEntries(caller, from: 0, limit: 10)
      },
      UseCase(operation: .auditRead) { server, caller in
        _ = try await server.service.auditCheckpoint(caller)
      },
      UseCase(operation: .auditRead) { server, caller in
        _ = try await server.service.auditProof(caller, index: 0, size: nil)
      },
      UseCase(operation: .auditRead) { server, caller in
        _ = try await server.service.auditConsistency(caller, from: 1, to: nil)
      },
      UseCase(operation: .auditExport) { server, caller in
        _ = try await server.service.exportAudit(caller)
      },
      UseCase(operation: .backupCreate) { server, caller in
        try await server.service.createBackup(caller).close()
      },
      UseCase(operation: .operatorFsck) { server, caller in
        _ = try await server.service.fsck(caller)
      },
      UseCase(operation: .operatorRotate) { server, caller in
        _ = try await server.service.rotateKeyring(caller)
      },
      UseCase(operation: .operatorRekey) { server, caller in
        _ = try await server.service.rekey(
          caller,
          SealRequest(seal: .keyFile, shares: 1, threshold: 1),
          current: .of("kwshare1-x"),
          passphrase: .of("")
        )
      },
      UseCase(operation: .operatorInit) { server, caller in
        _ = try await server.service.initialize(
          caller,
          SealRequest(seal: .keyFile, shares: 1, threshold: 1),
          passphrase: .of("")
        )
      },
      UseCase(operation: .operatorUnseal) { server, caller in
        _ = try await server.service.unseal(caller, input: .of(""), accepting: [])
      },
      UseCase(operation: .operatorSeal) { server, caller in
        _ = try await server.service.seal(caller)
      },
      UseCase(operation: .keyCreate) { server, caller in
        _ = try await server.service.createKey(
          caller,
          CreateKeyRequest(name: "guarded/new", type: "aes-256")
        )
      },
      UseCase(operation: .keyImport) { server, caller in
        _ = try await server.service.importKey(
          caller,
          name: name,
          ImportRequest(format: .raw, newKey: nil),
          material: .of(KeyFixtures.material(.aes256))
        )
      },
      UseCase(operation: .keyImport) { server, caller in
        _ = try await server.service.makeWrappingKey(
          caller,
          name: name,
          WrappingKeyRequest(type: "rsa-3072")
        )
      },
      UseCase(operation: .keyDiscardWrappingKey) { server, caller in
        let id = try #require(WrappingKeyID(random: [UInt8](repeating: 7, count: 16)))
        _ = try await server.service.discardWrappingKey(caller, name: name, id)
      },
      UseCase(operation: .keyList) { server, caller in
        _ = try await server.service.listKeys(
          caller,
          prefix: "",
          limit: 10,
          cursor: nil,
          deleted: false
        )
      },
      UseCase(operation: .keyShow) { server, caller in
        _ = try await server.service.showKey(caller, name: name)
      },
      UseCase(operation: .keyRotate) { server, caller in
        _ = try await server.service.rotateKey(caller, name: name)
      },
      UseCase(operation: .keyUpdate) { server, caller in
        _ = try await server.service.updateKey(
          caller,
          name: name,
          UpdateKeyRequest(neverExportable: true)
        )
      },
      UseCase(operation: .keyState) { server, caller in
        _ = try await server.service.setState(caller, name: name, version: 1, to: .suspended)
      },
      UseCase(operation: .keyDestroy) { server, caller in
        _ = try await server.service.destroyKey(caller, name: name, version: nil, after: 0)
      },
      UseCase(operation: .keyUndestroy) { server, caller in
        _ = try await server.service.undestroyKey(caller, name: name, version: nil)
      },
      UseCase(operation: .keyEncrypt) { server, caller in
        _ = try await server.kmsEncrypt(name, as: caller)
      },
      UseCase(operation: .keyDecrypt) { server, caller in
        _ = try await server.kmsDecrypt(name, [1], "kw1.x", as: caller)
      },
    ]
    + KeyUse.allCases.compactMap { use in
      guard let operation = ServiceOperation(rawValue: use.auditName) else { return nil }
      return UseCase(operation: operation) { server, caller in
        _ = try await use.perform(server, as: caller, name, version: nil, KeyUse.Artefacts())
      }
    } + accessUseCases + secretUseCases + exportUseCases

  /// The table above has every operation that a caller can ask for.
  @Test
  func theTableIsWhole() {
    let own: Set<ServiceOperation> = [
      .operatorStatus, .exportRecord, .serverExpire, .serverRecover, .serverStart, .serverStop,
      // Nobody is refused their own identity; a login has none to ask the policy about; and to
      // escalate is a right that applying a policy asks for.
      .authLogin, .policyEscalate, .selfRead, .selfRenew, .selfRevoke,
    ]
    #expect(
      Set(Self.useCases.map(\.operation)).union(own) == Set(ServiceOperation.allCases)
    )
  }

  /// Whoever policy does not allow is told nothing but that, whether the key is there or not, and
  /// an entry says who it was and which rule decided.
  @Test(arguments: [Caller.stranger, .kms("guarded/other"), .kms("guarded")])
  func whatPolicyDoesNotAllowIsRefusedAndRecorded(_ caller: Caller) async throws {
    for hasKey in [true, false] {
      let server = try await TestServer.unsealed()
      if hasKey { try await server.create(Self.name.description) }
      let before = try server.key(Self.name)
      for useCase in Self.useCases {
        let start = try server.logSize()
        let error = await refused(.forbidden, "\(useCase.operation)") {
          try await useCase.run(server, caller)
        }
        #expect(error == .forbidden)
        let events = try server.events(from: start)
        #expect(events.count == 1, "\(useCase.operation)")
        #expect(events.last?.operation == useCase.operation.rawValue)
        #expect(events.last?.outcome == .refused)
        #expect(events.last?.reason == "forbidden")
        #expect(events.last?.rule == "default-deny", "\(useCase.operation)")
        #expect(events.last?.principal.name == caller.principal.name)
        #expect(events.last?.request == caller.requestID)
      }
      #expect(try server.key(Self.name) === before)
      #expect(try server.service.sealStatus().sealed == false)
    }
  }

  /// When the commit fails, the caller gets an error and no result, and the change is not there:
  /// neither while nothing at all can be written, nor when only the change did not fit.
  @Test(arguments: [1, 2])
  func nothingLeavesWithoutItsEntry(_ failures: Int) async throws {
    for useCase in Self.useCases {
      // Seal must work on a broken disk; init and unseal are refused before anything is written.
      if [.operatorSeal, .operatorInit, .operatorUnseal].contains(useCase.operation) { continue }
      let server = try await TestServer.unsealed(isFaulty: true)
      try await server.create(Self.name.description)
      let before = try server.key(Self.name)
      let keys = try server.service.unsealed().directory.count
      let start = try server.logSize()
      try server.faults.failCommits(failures)
      await refused(.storageFull, "\(useCase.operation)") {
        try await useCase.run(server, .officer)
      }
      // What did not fit may be told of; what was asked for is not there.
      let events = try server.events(from: start)
      #expect(events.count <= 2 - failures, "\(useCase.operation)")
      #expect(events.allSatisfy { $0.outcome == .failed && $0.reason == "storage_full" })
      #expect(try server.key(Self.name) === before, "\(useCase.operation)")
      #expect(try server.service.unsealed().directory.count == keys)
      try server.faults.failCommits(0)
      try await server.restart()
      #expect(try server.key(Self.name)?.attributes == before?.attributes)
      #expect(try server.key(Self.name)?.versions == before?.versions, "\(useCase.operation)")
    }
  }

  /// Many at once: each answer has its own entry, and none of a failed batch has an answer.
  @Test
  func answersAndEntriesAreAsMany() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.create(Self.name.description)
    let start = try server.logSize()
    var answered = 0
    for round in 0..<10 {
      if round.isMultiple(of: 3) { try server.faults.failCommits(1) }
      answered += await withTaskGroup(of: Int.self) { group in
        for _ in 0..<20 {
          group.addTask { (try? await server.kmsEncrypt(Self.name)) == nil ? 0 : 1 }
        }
        return await group.reduce(0, +)
      }
    }
    #expect(try server.logSize() - start == UInt64(answered))
    #expect((20..<200).contains(answered))
  }

  /// Sealing does not wait for a disk that takes no writes.
  @Test
  func sealWorksOnABrokenDisk() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try server.faults.failCommits(.max)
    #expect(try await server.service.seal(.officer).sealed)
    await refused(.sealed) { try server.service.unsealed() }
  }

  /// A full disk, by SQLite's own word: the change is refused, nothing is lost, and it goes on.
  @Test
  func aFullDatabaseRefusesAndRecovers() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    try #require(try server.store as? SQLiteStore).limitSize(true)
    var refusals = 0
    for index in 0..<400 where refusals == 0 {
      do {
        try await server.create("filling/k\(index)")
      } catch let error as ServiceError {
        #expect(error.code == .storageFull)
        refusals += 1
      }
    }
    #expect(refusals == 1)
    // A change that has no room fails alone; the log goes on until an entry has none either.
    var entries = 0
    do {
      while entries < 5000 {
        _ = try await server.service.showKey(.officer, name: Self.name)
        entries += 1
      }
    } catch let error as ServiceError {
      #expect(error.code == .storageFull)
    }
    #expect(entries < 5000)
    await refused(.auditUnavailable) { try server.service.kmsStatus(Self.name) }
    try #require(try server.store as? SQLiteStore).limitSize(false)
    try await server.tick()
    _ = try server.service.kmsStatus(Self.name)
    try await server.create("after/key")
    let report = try await server.service.fsck(.officer)
    #expect(report.ok, "\(report.findings)")
    let count = try server.service.unsealed().directory.count
    try await server.restart()
    #expect(try server.service.unsealed().directory.count == count)
  }
}
