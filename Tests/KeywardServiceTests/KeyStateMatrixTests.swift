import KeywardAudit
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Every state of a version × every use, for every type of key, each with its audit entry.
@Suite
struct KeyStateMatrixTests {
  /// What each type can do, spelled out.
  private static func possible(_ type: KeyType) -> Set<KeyUse> {
    switch type {
    case .aes128, .aes256: [.encrypt, .decrypt, .rewrap, .wrap, .unwrap, .derive]
    case .chacha20Poly1305: [.encrypt, .decrypt, .rewrap, .derive]
    case .hmacSHA256, .hmacSHA384, .hmacSHA512: [.mac, .macVerify, .derive]
    case .rsa2048, .rsa3072, .rsa4096:
      [.encrypt, .decrypt, .rewrap, .wrap, .unwrap, .sign, .verify]
    case .ecP256, .ecP384, .ecP521, .ecSecp256k1: [.sign, .verify, .agree]
    case .ed25519: [.sign, .verify]
    case .x25519: [.agree]
    case .opaque: []
    }
  }

  /// What a version may do in each state, spelled out.
  private static func allowed(_ state: String) -> Set<KeyUse> {
    switch state {
    case "active": Set(KeyUse.allCases)
    case "deactivated", "compromised": [.decrypt, .rewrap, .unwrap, .verify, .macVerify]
    default: []
    }
  }

  private struct Cell {
    let server: TestServer
    let name: KeyName
    let type: KeyType
    let made: KeyUse.Artefacts

    func check(_ state: String, version: Int) async throws {
      for use in KeyUse.allCases {
        let start = try server.logSize()
        let expected: ErrorCode? =
          if !possible(type).contains(use) {
            .keyUsage
          } else if !allowed(state).contains(use) {
            .keyState
          } else {
            nil
          }
        let place = "\(type.rawValue) \(state) \(use)"
        if let expected {
          await refused(expected, "\(place)") {
            try await use.perform(server, name, version: version, made)
          }
        } else {
          let used = try await use.perform(server, name, version: version, made)
          #expect(used == version, "\(place)")
        }
        let events = try server.events(from: start)
        #expect(events.count == 1, "\(place)")
        let event = try #require(events.first)
        #expect(event.operation == use.auditName)
        #expect(event.outcome == (expected == nil ? .allowed : .refused), "\(place)")
        #expect(event.reason == expected?.rawValue ?? "ok", "\(place)")
        #expect(event.resource == "keys/\(name)")
        #expect(event.rule == "security-officer")
        #expect(event.principal.name == "uid:0")
      }
    }
  }

  @Test(arguments: KeyType.allCases)
  func everyCellIsAsSpelledOut(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let name: KeyName = "matrix/key"
    try await server.importKey(name, type)
    let cell = Cell(
      server: server,
      name: name,
      type: type,
      made: try await KeyUse.artefacts(server, name, type)
    )
    let service = try server.service
    try await cell.check("active", version: 1)
    _ = try await service.setState(.officer, name: name, version: 1, to: .suspended)
    try await cell.check("suspended", version: 1)
    _ = try await service.setState(.officer, name: name, version: 1, to: .active)
    try await cell.check("active", version: 1)
    try await server.importVersion(name, type)
    try await cell.check("deactivated", version: 1)
    _ = try await service.setState(.officer, name: name, version: 1, to: .compromised)
    try await cell.check("compromised", version: 1)
    _ = try await service.destroyKey(.officer, name: name, version: 1, after: 3600)
    try await cell.check("waiting for destruction", version: 1)
    server.clock.advance(seconds: 3601)
    try await server.tick()
    #expect(try server.key(name)?.version(1)?.state == .destroyed)
    try await cell.check("destroyed", version: 1)
  }

  /// No request makes a pre-active version, so the store is told that there is one.
  @Test(arguments: [KeyType.aes256, .hmacSHA256, .ecP256, .rsa2048])
  func preActiveDoesNothingUntilActivated(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let name: KeyName = "matrix/key"
    try await server.importKey(name, type)
    let made = try await KeyUse.artefacts(server, name, type)
    let key = try #require(try server.key(name))
    let old = try #require(key.version(1))
    var version = old
    version.state = .preActive
    try server.store.write(durability: .change) {
      try $0.updateVersion(version, from: old, of: key.id)
    }
    try await server.restart()
    let cell = Cell(server: server, name: name, type: type, made: made)
    try await cell.check("pre-active", version: 1)
    _ = try await server.service.setState(.officer, name: name, version: 1, to: .active)
    try await cell.check("active", version: 1)
  }

  /// Every pair of states: a transition of SP 800-57 or a refusal.
  @Test
  func transitionsAreThoseOfTheStandard() async throws {
    let paths: [KeyState: [KeyState]] = [
      .active: [], .suspended: [.suspended], .deactivated: [.deactivated],
      .compromised: [.compromised],
    ]
    let expected: [KeyState: Set<KeyState>] = [
      .active: [.suspended, .deactivated, .compromised],
      .suspended: [.active, .deactivated, .compromised],
      .deactivated: [.compromised],
      .compromised: [],
    ]
    let server = try await TestServer.unsealed()
    for (from, path) in paths {
      for to in KeyState.allCases where to != .destroyed {
        let name = try KeyName("from-\(from.rawValue)/to-\(to.rawValue)")
        try await server.create(name.description)
        for step in path {
          _ = try await server.service.setState(.officer, name: name, version: 1, to: step)
        }
        if expected[from]?.contains(to) == true {
          _ = try await server.service.setState(.officer, name: name, version: 1, to: to)
          #expect(try server.key(name)?.version(1)?.state == to)
        } else {
          await refused(.keyState, "\(from) to \(to)") {
            try await server.service.setState(.officer, name: name, version: 1, to: to)
          }
          #expect(try server.key(name)?.version(1)?.state == from)
        }
      }
      let name = try KeyName("from-\(from.rawValue)/to-active")
      await refused(.invalidRequest) {
        try await server.service.setState(.officer, name: name, version: 1, to: .destroyed)
      }
    }
  }
}
