import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// Checks the records of secrets against one another, and that each version's values open.
struct SecretCheck {
  private let keyring: Keyring?
  private(set) var findings: [Finding] = []

  init(keyring: Keyring?) {
    self.keyring = keyring
  }

  mutating func check(_ records: [StoredRecord]) {
    var envelopes: [String: [UInt8]] = [:]
    for record in records where record.kind == .secretVersion { envelopes[record.id] = record.body }
    for record in records {
      switch record.kind {
      case .environment:
        if Environment(decoding: record.body)?.name.description != record.id {
          report(record.kind, record.id, "cannot be read")
        }
      case .secret:
        guard let secret = Secret(decoding: record.body), secret.id.description == record.id else {
          report(record.kind, record.id, "cannot be read")
          continue
        }
        for version in secret.versions { check(secret, version, &envelopes) }
      default: break
      }
    }
    for id in envelopes.keys.sorted() {
      report(.secretVersion, id, "belongs to no version of a secret")
    }
  }

  private mutating func check(
    _ secret: Secret,
    _ version: SecretVersion,
    _ envelopes: inout [String: [UInt8]]
  ) {
    let id = secret.versionRecordID(version.number)
    let envelope = envelopes.removeValue(forKey: id)
    let row = "\(id) (\(secret.path))"
    guard version.destroyedAt == nil else {
      if envelope != nil { report(.secretVersion, row, "is destroyed and has values") }
      return
    }
    guard let envelope else { return report(.secretVersion, row, "is missing") }
    guard let keyring else { return }
    do {
      let values = try keyring.unwrapSecret(envelope, SecretContext(secret, version))
      if values.count != version.bytes {
        report(.secretVersion, row, "has values of other lengths")
      }
    } catch {
      report(.secretVersion, row, "has values that do not open")
    }
  }

  private mutating func report(_ kind: RecordKind, _ row: String, _ problem: String) {
    findings.append(
      Finding(
        table: RowTable.records.name,
        row: "\(kind.rawValue)/\(row)",
        problem: problem,
        remedy: "restore a backup"
      )
    )
  }
}
