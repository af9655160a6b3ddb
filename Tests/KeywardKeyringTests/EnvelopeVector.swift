import Foundation
import KeywardKeyring
import KeywardModel
import Testing

/// One file of Tests/Vectors/envelope: header lines, an empty line, the envelope in hexadecimal.
struct EnvelopeVector: CustomTestStringConvertible, Sendable {
  let name: String
  let fields: [String: String]
  let envelope: [UInt8]

  var testDescription: String { name }

  /// All vectors, by name; none where the folder is missing, which a test notices.
  static let all: [EnvelopeVector] = {
    let folder = Oracle.tests.appending(path: "Vectors/envelope")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".txt") }.sorted().compactMap { file in
      try? EnvelopeVector(
        name: file,
        text: String(contentsOf: folder.appending(path: file), encoding: .utf8)
      )
    }
  }()

  init(name: String, text: String) throws {
    self.name = name
    let parts = text.split(separator: "\n\n", maxSplits: 1, omittingEmptySubsequences: false)
    var fields: [String: String] = [:]
    for line in parts[0].split(separator: "\n") {
      let pair = line.split(separator: ":", maxSplits: 1).map { $0.trimmingPrefix(" ") }
      fields[String(pair[0])] = pair.count == 2 ? String(pair[1]) : ""
    }
    self.fields = fields
    envelope = try #require(Hex.decode(String(parts[1].filter { $0 != "\n" })))
  }

  func bytes(_ field: String) throws -> [UInt8] { try #require(Hex.decode(fields[field] ?? "x")) }

  func suite() throws -> EnvelopeSuite {
    try #require(EnvelopeSuite(rawValue: UInt8(fields["suite"] ?? "") ?? 0))
  }

  /// What the envelope is to be opened for, from the fields that its purpose has.
  func associatedData() throws -> AssociatedData {
    switch fields["purpose"] {
    case "audit-signing-key":
      return .auditSigningKey(store: try store(), origin: try text("origin"))
    case "backup-chunk":
      return .backupChunk(
        backup: try bytes("backup"),
        index: UInt64(try number("index")),
        isFinal: try number("final") == 1
      )
    case "kms":
      return .kms(
        store: try store(),
        key: try keyID(),
        version: UInt32(try number("version")),
        keyID: try #require(KMSKeyID(try text("kms_key_id")))
      )
    case "material":
      let context = MaterialContext(
        key: try keyID(),
        version: UInt32(try number("version")),
        type: try #require(KeyType(rawValue: try text("type"))),
        neverExportable: try number("never_exportable") == 1
      )
      return .material(store: try store(), context)
    case "message":
      return .message(
        store: try store(),
        key: try keyID(),
        version: UInt32(try number("version")),
        context: try bytes("context")
      )
    case "term":
      return .term(
        store: try store(),
        number: UInt32(try number("version")),
        createdAt: Timestamp(milliseconds: Int64(try number("created_at")))
      )
    default:
      throw UnknownPurpose()
    }
  }

  struct UnknownPurpose: Error {}

  private func text(_ field: String) throws -> String { try #require(fields[field]) }

  private func number(_ field: String) throws -> Int { try #require(Int(try text(field))) }

  private func keyID() throws -> KeyID { try #require(KeyID(try bytes("key_id"))) }

  private func store() throws -> StoreID { try #require(StoreID(try bytes("store"))) }
}
