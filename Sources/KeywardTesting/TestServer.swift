import Foundation
package import KeywardAudit
import KeywardCrypto
package import KeywardModel
import KeywardPolicy
package import KeywardService
package import KeywardStore
import Logging
import Synchronization

/// A real service on a real SQLite store in a temporary folder, with a clock moved by hand.
///
/// It can be stopped and started again on the same folder, as a server process is.
package final class TestServer: Sendable {
  package let folder: TemporaryFolder
  package let clock = ManualClock()
  package let keyFile: SealKeyFile
  private let options: ServiceOptions
  private let usesKeyFile: Bool
  private let isFaulty: Bool
  private let exporter: (any ExportGateway)?
  private let fatalErrors = Mutex<[StoreError]>([])
  private let parts = Mutex<(service: KeywardService, store: any Store)?>(nil)

  /// Makes a server that is not initialized; `usesKeyFile` configures a key file as the automatic
  /// seal, and the commits of an `isFaulty` one can be made to fail.
  package init(
    options: ServiceOptions = ServiceOptions(),
    folder: TemporaryFolder? = nil,
    keyFile: SealKeyFile = SealKeyFile(),
    usesKeyFile: Bool = true,
    isFaulty: Bool = false,
    exporter: (any ExportGateway)? = nil
  ) async throws {
    self.exporter = exporter
    self.options = options
    self.folder = try folder ?? TemporaryFolder()
    self.keyFile = keyFile
    self.usesKeyFile = usesKeyFile
    self.isFaulty = isFaulty
    try await launch()
  }

  /// A server with an automatic seal, initialized and unsealed.
  package static func unsealed(
    options: ServiceOptions = ServiceOptions(),
    isFaulty: Bool = false,
    exporter: (any ExportGateway)? = nil
  ) async throws -> TestServer {
    let server = try await TestServer(
      options: options,
      isFaulty: isFaulty,
      exporter: exporter
    )
    _ = try await server.initialize(.keyFile, shares: 1, threshold: 1)
    return server
  }

  /// The service; throws while the server is stopped.
  package var service: KeywardService {
    get throws {
      guard let service = parts.withLock({ $0?.service }) else { throw Stopped() }
      return service
    }
  }

  /// The store under the service.
  package var store: any Store {
    get throws {
      guard let store = parts.withLock({ $0?.store }) else { throw Stopped() }
      return store
    }
  }

  /// What a real server would have ended with.
  package var fatal: [StoreError] { fatalErrors.withLock { $0 } }

  /// The fault point, of a server that was made with one.
  package var faults: FaultyStore {
    get throws {
      guard let store = try store as? FaultyStore else { throw Stopped() }
      return store
    }
  }

  /// Asked for the service of a server that is stopped.
  package struct Stopped: Error {}

  // MARK: - Life

  /// Ends the process as SIGTERM does; the folder stays, and nobody has a file of it open.
  package func stop() async {
    await parts.withLock({ $0?.service })?.stop()
    weak let store = parts.withLock { $0?.store }
    parts.withLock { $0 = nil }
    // The last task lets go of the store a moment later, and SQLite removes the log when it closes.
    for _ in 0..<500 where store != nil { try? await Task.sleep(for: .milliseconds(10)) }
    let log = folder("data/keyward.db-wal")
    for _ in 0..<100 where FileManager.default.fileExists(atPath: log) {
      try? await Task.sleep(for: .milliseconds(10))
    }
  }

  /// Stops, and starts again on the same folder; an automatic seal opens.
  package func restart() async throws {
    await stop()
    try await launch()
  }

  private func launch() async throws {
    let store = try await open()
    var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    let service = KeywardService(
      store: store,
      time: clock,
      policy: CompiledPolicy.builtIn(officerUIDs: [0]),
      options: options,
      sealSource: usesKeyFile ? keyFile.source : nil,
      exporter: exporter,
      logger: logger,
      onFatal: { [weak self] error in self?.fatalErrors.withLock { $0.append(error) } }
    )
    parts.withLock { $0 = (service, store) }
    try await service.start()
  }

  /// The connection of the last life closes when its last task lets go of it.
  private func open() async throws -> any Store {
    for _ in 0..<500 {
      do throws(StoreError) {
        let store = try SQLiteStore.open(directory: folder("data"))
        return isFaulty ? FaultyStore(store) : store
      } catch .locked {
        try await Task.sleep(for: .milliseconds(10))
      }
    }
    return try SQLiteStore.open(directory: folder("data"))
  }

  // MARK: - The seal

  /// `operator init`; returns the lines of the shares.
  package func initialize(
    _ seal: SealKind,
    shares: Int = 5,
    threshold: Int = 3,
    passphrase: String = ""
  ) async throws -> [String] {
    try await service.initialize(
      .officer,
      SealRequest(seal: seal, shares: shares, threshold: threshold),
      passphrase: .of(passphrase)
    ).map(\.text)
  }

  /// `operator unseal` with some lines, or none.
  @discardableResult
  package func unseal(
    _ lines: [String] = [],
    accepting: Set<Acceptance> = []
  ) async throws -> SealStatus {
    try await service.unseal(
      .officer,
      input: .of(lines.joined(separator: "\n")),
      accepting: accepting
    )
  }

  // MARK: - Keys

  /// Makes a key, of the operations named or all that its type can do.
  @discardableResult
  package func create(
    _ name: String,
    _ type: KeyType = .aes256,
    operations: [String]? = nil
  ) async throws -> KeyInfo {
    try await service.createKey(
      .officer,
      CreateKeyRequest(
        name: name,
        type: type.rawValue,
        operations: operations ?? type.possibleOperations.list.map(\.rawValue)
      )
    )
  }

  /// The key as its record is now, without an audit entry; nil if the name is free.
  package func key(_ name: KeyName) throws -> Key? {
    try service.unsealed().directory.key(named: name)
  }

  // MARK: - Audit

  /// The log from entry `start` on, read from the store without making an entry.
  package func events(from start: UInt64 = 0) throws -> [AuditEvent] {
    try stored(from: start).map { try AuditEntry(decoding: $0.entry).event }
  }

  /// The bytes of the log from entry `start` on.
  package func stored(from start: UInt64 = 0) throws -> [StoredAuditEntry] {
    try store.read { try $0.auditEntries(from: start, limit: 100_000) }
  }

  /// The number of entries.
  package func logSize() throws -> UInt64 {
    try store.read { try $0.auditCount() }
  }

  /// Carries out what is due; the fifth step of the server's second hand does everything.
  package func tick() async throws {
    try await service.tick(5)
  }
}
