import KeywardAudit
import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// The checks of `fsck` on one database; what fails is a finding, and the next check goes on.
struct Checker {
  private let database: Database
  private let keys: StoreKeys?
  private let keyring: Keyring?
  private var findings: [Finding] = []
  private var checked: [String: Int] = [:]
  private(set) var opening: Opening?

  /// Without `keys` only the structure is checked, without `keyring` no material is opened.
  init(_ database: Database, keys: StoreKeys?, keyring: Keyring?) {
    self.database = database
    self.keys = keys
    self.keyring = keyring
  }

  /// Runs all checks and tells what they found.
  mutating func run() -> CheckReport {
    guarding("database") { try $0.checkPages() }
    guarding("database") { try $0.checkSchema() }
    for table in Checker.tables { guarding(table) { try $0.count(table) } }
    guarding("rows") { try $0.checkRows() }
    guarding("audit_entries") { try $0.checkAudit() }
    return CheckReport(authenticated: opening != nil, checked: checked, findings: findings)
  }

  /// Adds what the caller found out by itself.
  mutating func add(_ finding: Finding) {
    findings.append(finding)
  }

  /// What the anchor says about the age of a database with this counter.
  static func anchorProblem(counter: UInt64, anchored: UInt64?) -> Finding? {
    guard let anchored else {
      return Finding(
        table: "anchor",
        problem: "is missing, damaged or of another store",
        remedy: "if a backup was restored on purpose, unseal with acceptance of the rollback"
      )
    }
    guard anchored > counter else { return nil }
    return Finding(
      table: "anchor",
      problem: "is at change \(anchored), the database at \(counter): an older copy was put back",
      remedy: "if a backup was restored on purpose, unseal with acceptance of the rollback"
    )
  }

  private mutating func guarding(_ table: String, _ check: (inout Checker) throws -> Void) {
    do {
      try check(&self)
    } catch StoreError.tampered(let found) {
      findings += found
    } catch let error as StoreError {
      findings.append(
        Finding(table: table, problem: "cannot be read: \(error.words)", remedy: error.remedy)
      )
    } catch {
      findings.append(
        Finding(table: table, problem: "cannot be checked: \(error)", remedy: "restore a backup")
      )
    }
  }

  // MARK: - Structure

  private mutating func checkPages() throws(StoreError) {
    let check = try database.statement("PRAGMA integrity_check(100)")
    defer { check.reset() }
    while try check.step() {
      let line = check.text(0)
      guard line != "ok" else { continue }
      findings.append(Finding(table: "database", problem: line, remedy: "restore a backup"))
    }
    let references = try database.statement("PRAGMA foreign_key_check")
    defer { references.reset() }
    while try references.step() {
      findings.append(
        Finding(
          table: references.text(0),
          problem: "has a row of a key that is missing",
          remedy: "restore a backup"
        )
      )
    }
  }

  private mutating func checkSchema() throws(StoreError) {
    guard try Schema.dump(database) != Schema.database else { return }
    findings.append(
      Finding(
        table: "sqlite_schema",
        problem: "was changed by something else than keyward",
        remedy: "restore a backup"
      )
    )
  }

  private static let tables = RowTable.allCases.map(\.name) + ["audit_entries", "quarantine"]

  private mutating func count(_ table: String) throws(StoreError) {
    let sql: StaticString =
      switch table {
      case "meta": "SELECT count(*) FROM meta"
      case "seals": "SELECT count(*) FROM seals"
      case "keyring_terms": "SELECT count(*) FROM keyring_terms"
      case "keys": "SELECT count(*) FROM keys"
      case "key_versions": "SELECT count(*) FROM key_versions"
      case "records": "SELECT count(*) FROM records"
      case "audit_entries": "SELECT count(*) FROM audit_entries"
      default: "SELECT count(*) FROM quarantine"
      }
    let count = Int(clamping: try database.scalar(sql) ?? 0)
    checked[table] = count
    guard table == "quarantine", count > 0 else { return }
    findings.append(
      Finding(
        table: table,
        problem: "holds \(count) rows that were given up when damage was accepted",
        remedy: "restore a backup if their keys are missed",
        isWarning: true
      )
    )
  }

  // MARK: - Rows

  private mutating func checkRows() throws(StoreError) {
    guard let keys else { return }
    let opening = try Opening(database, keys: keys)
    self.opening = opening
    findings += opening.findings
    for name in MetaName.allCases where opening.session.meta[name] == nil {
      findings.append(
        Finding(
          table: "meta",
          row: name.rawValue,
          problem: "is missing",
          remedy: "restore a backup",
          isWarning: opening.findings.isEmpty
        )
      )
    }
    checkSecrets(opening.loader.records)
    let terms = Set(opening.session.terms.map(\.number))
    for key in opening.loader.loadedKeys {
      for version in key.versions {
        guard let problem = materialProblem(key, version, terms) else { continue }
        findings.append(
          Finding(
            table: RowTable.versions.name,
            row: "\(key.id)/\(version.number) (\(key.name))",
            problem: problem,
            remedy: "restore a backup"
          )
        )
      }
    }
  }

  /// Looks at secrets: their records, and that each version's values open.
  private mutating func checkSecrets(_ records: [StoredRecord]) {
    var check = SecretCheck(keyring: keyring)
    check.check(records)
    findings += check.findings
  }

  /// What is wrong with the material of a version that was authenticated as a row.
  private func materialProblem(
    _ key: Key,
    _ version: KeyVersion,
    _ terms: Set<UInt32>
  ) -> String? {
    if version.state == .destroyed {
      return version.material.isEmpty ? nil : "is destroyed and has material"
    }
    guard let term = Envelope.version(of: version.material) else {
      return "has material that is no envelope"
    }
    guard terms.contains(term) else { return "has material under term \(term), which is missing" }
    guard let keyring else { return nil }
    do {
      let context = MaterialContext(
        key: key.id,
        version: UInt32(clamping: version.number),
        type: key.type,
        neverExportable: key.attributes.neverExportable
      )
      let material = try keyring.unwrapMaterial(version.material, context)
      // Opaque material has none: it may be a password, which a digest would give away.
      let checkValue =
        switch key.type {
        case .opaque: [UInt8]()
        case _ where key.type.isKeyPair:
          try KeyCheckValue.publicKey(spki: version.publicKey).bytes
        default: try KeyCheckValue.secret(material).bytes
        }
      guard checkValue == version.checkValue else {
        return "has another check value than its \(key.type.isKeyPair ? "public key" : "material")"
      }
      guard key.type.isKeyPair else { return nil }
      let pair = try PrivateKey(pkcs8: material, expecting: nil)
      return try pair.publicKey().spki() == version.publicKey
        ? nil : "has a public key that is not of its private key"
    } catch {
      return "has material that does not open"
    }
  }

  // MARK: - Audit log

  private mutating func checkAudit() throws {
    let verifier = try auditVerifier()
    var trusted: Frontier?
    if let opening, opening.stateIsValid {
      let bytes = opening.session.frontier
      trusted = bytes.isEmpty ? Frontier() : try Frontier(decoding: bytes)
    }
    var log: AuditDatabaseVerifier?
    if let verifier {
      log = AuditDatabaseVerifier(key: verifier, checkpoints: try checkpoints(), trusted: trusted)
    }
    var tiles = TileCheck()
    let rows = try database.statement(
      "SELECT idx, entry, leaf_hash FROM audit_entries ORDER BY idx"
    )
    defer { rows.reset() }
    while try rows.step() {
      let index = UInt64(clamping: rows.int(0))
      let leafHash = rows.blob(2)
      try tiles.append(leafHash)
      log?.row(index: index, entry: rows.blob(1), leafHash: leafHash)
    }
    if let report = log?.finish() {
      for finding in report.findings where trusted != nil || !Checker.needsTrust(finding.kind) {
        findings.append(
          Finding(
            table: "audit_entries",
            row: "\(finding.entries.lowerBound)",
            problem: finding.description,
            remedy: "compare with an export of the log, then restore a backup"
          )
        )
      }
    }
    try checkTiles(tiles.tiles)
  }

  /// What an audit log always looks like to somebody without the root key.
  private static func needsTrust(_ kind: AuditFinding.Kind) -> Bool {
    kind == .uncovered || kind == .noCheckpoint
  }

  private mutating func auditVerifier() throws -> NoteVerifierKey? {
    let statement = try database.statement("SELECT value FROM meta WHERE name = 'audit_verifier'")
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    return try NoteVerifierKey(parsing: statement.text(0))
  }

  private func checkpoints() throws -> [AuditDatabaseVerifier.StoredCheckpoint] {
    let statement = try database.statement(
      "SELECT note, frontier, size FROM audit_checkpoints ORDER BY size"
    )
    defer { statement.reset() }
    var checkpoints: [AuditDatabaseVerifier.StoredCheckpoint] = []
    while try statement.step() {
      let frontier = statement.blob(1)
      checkpoints.append(
        AuditDatabaseVerifier.StoredCheckpoint(
          size: UInt64(clamping: statement.int(2)),
          note: statement.blob(0),
          frontier: frontier.isEmpty ? nil : try Frontier(decoding: frontier)
        )
      )
    }
    return checkpoints
  }

  /// The hashes of complete tiles, from the leaf hashes.
  private struct TileCheck {
    private var frontier = Frontier()
    private(set) var tiles: [[UInt8]] = []

    mutating func append(_ leafHash: [UInt8]) throws {
      if let tile = try frontier.append(leafHash: leafHash) { tiles.append(tile) }
    }
  }

  private mutating func checkTiles(_ expected: [[UInt8]]) throws(StoreError) {
    let statement = try database.statement("SELECT idx, hash FROM audit_tiles ORDER BY idx")
    defer { statement.reset() }
    var next = 0
    var wrong: String?
    while try statement.step() {
      let index = statement.int(0)
      let isRight = index == next && next < expected.count && statement.blob(1) == expected[next]
      if !isRight && wrong == nil { wrong = String(index) }
      next += 1
    }
    // A store that keeps no tiles at all answers from the leaf hashes.
    if wrong == nil, next > 0, next != expected.count { wrong = String(next) }
    guard let wrong else { return }
    findings.append(
      Finding(
        table: "audit_tiles",
        row: wrong,
        problem: "is not the hash of its entries",
        remedy: "restore a backup"
      )
    )
  }
}
