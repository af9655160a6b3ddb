package import KeywardModel
package import KeywardPolicy
import KeywardStore

/// One revision of the policy: all its documents, compiled, with who made it and when.
package final class PolicyRevision: Sendable {
  package let number: UInt64
  /// Nil for revision 0, which is there without anybody.
  package let createdAt: Timestamp?
  /// The issuer and name of its author.
  package let author: String?
  package let compiled: CompiledPolicy

  package init(
    number: UInt64,
    createdAt: Timestamp?,
    author: String?,
    compiled: CompiledPolicy
  ) {
    self.number = number
    self.createdAt = createdAt
    self.author = author
    self.compiled = compiled
  }

  package var set: PolicySet { compiled.set }

  package var info: PolicyRevisionInfo {
    PolicyRevisionInfo(
      revision: number,
      createdAt: createdAt?.rfc3339,
      author: author,
      documents: set.documents.count
    )
  }

  /// The form that the store keeps.
  var stored: StoredRecord {
    var writer = RecordWriter(PolicyArchive.label)
    writer.add(number)
    writer.add(createdAt?.milliseconds ?? 0)
    writer.add(author ?? "")
    writer.add(UInt64(set.documents.count))
    writer.add(set.canonicalText)
    return StoredRecord(kind: .policy, id: PolicyArchive.id(number), body: writer.bytes)
  }

  /// Reads what ``stored`` has; throws the reason in words.
  convenience init(_ stored: StoredRecord, officerUIDs: Set<UInt32>) throws {
    var reader = try RecordReader(stored.body, label: PolicyArchive.label)
    let info = try PolicyArchive.info(&reader)
    let text = try reader.readText(limit: PolicyArchive.largest)
    try reader.finish()
    self.init(
      number: info.number,
      createdAt: info.createdAt,
      author: info.author,
      compiled: CompiledPolicy(
        try PolicySet.parse([(name: "revision \(info.number)", text: text)]),
        officerUIDs: officerUIDs
      )
    )
  }
}

/// The revisions that the store keeps, as it keeps them; a value.
///
/// Old ones are parsed when somebody asks for them.
struct PolicyArchive: Sendable {
  /// The most revisions, and the most bytes of all of them.
  static let most = 100
  static let largest = 8 << 20
  private static let mostBytes = 32 << 20

  static let label = "keyward/policy/1"

  /// Ascending.
  private(set) var records: [StoredRecord]

  init(_ records: [StoredRecord]) {
    self.records = records.filter { $0.kind == .policy }.sorted { $0.id < $1.id }
  }

  /// Those that go when `record` comes.
  func displaced(by record: StoredRecord) -> [StoredRecord] {
    var count = records.count + 1
    var bytes = records.reduce(record.body.count) { $0 + $1.body.count }
    var gone: [StoredRecord] = []
    for old in records where count > Self.most || bytes > Self.mostBytes {
      gone.append(old)
      count -= 1
      bytes -= old.body.count
    }
    return gone
  }

  mutating func append(_ record: StoredRecord) {
    records.removeFirst(displaced(by: record).count)
    records.append(record)
  }

  subscript(_ number: UInt64) -> StoredRecord? {
    let id = Self.id(number)
    return records.first { $0.id == id }
  }

  /// What there is to know of each, newest first.
  var infos: [PolicyRevisionInfo] {
    records.reversed().compactMap { record in
      guard var reader = try? RecordReader(record.body, label: Self.label),
        let info = try? Self.info(&reader)
      else { return nil }
      return PolicyRevisionInfo(
        revision: info.number,
        createdAt: info.createdAt.rfc3339,
        author: info.author,
        documents: info.documents
      )
    }
  }

  fileprivate static func info(
    _ reader: inout RecordReader
  ) throws(RecordReader.Failure) -> (
    number: UInt64, createdAt: Timestamp, author: String, documents: Int
  ) {
    let number = try reader.readNumber()
    let createdAt = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
    let author = try reader.readText()
    return (number, createdAt, author, Int(clamping: try reader.readNumber()))
  }

  /// The id of a revision's record, so written that ids sort as numbers do.
  static func id(_ number: UInt64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits
  }
}
