import Foundation
import KeywardAudit
import KeywardModel
import KeywardStore

/// The files of a small real store, as bytes, to be damaged over and over.
struct SampleImage {
  let sample: Sample
  /// The database some changes earlier.
  let older: [UInt8]
  let database: [UInt8]
  let anchor: [UInt8]
  let state: StateImage
  let entries: [StoredAuditEntry]

  /// Made once for all tests.
  static let shared = Result { try SampleImage() }

  private init() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    self.sample = sample
    var frontier = Frontier()
    do {
      let store = try sample.create(in: scratch("data"))
      try store.write(durability: .change) { transaction in
        for number in 0..<6 {
          try transaction.insertKey(sample.key("etcd/k\(number)", versions: 1 + number % 3))
        }
        try transaction.insertKey(sample.key("sign/ec", type: .ecP256, versions: 2))
        try transaction.insertKey(
          sample.key(
            "wrap/limited",
            type: .opaque,
            attributes: KeyAttributes(
              operations: [.export],
              neverExportable: true,
              deletionProtected: true,
              allowedDestinations: ["aws", "gcp"],
              requiredApprovals: 2,
              rotationPeriod: 86_400
            )
          )
        )
        for number in 0..<4 { try transaction.insertRecord(SampleImage.record(number, "older")) }
      }
      frontier = try sample.log(20, to: store, from: frontier)
      try store.scrub()
    }
    older = try contents(of: scratch("data/keyward.db"))
    do {
      let store = try SQLiteStore.open(directory: scratch("data"))
      let state = try store.unlock(sample.keys, accepting: [])
      let (first, second) = (state.keys[0], state.keys[1])
      try store.write(durability: .change) { transaction in
        var attributes = first.attributes
        attributes.neverExportable.toggle()
        attributes.requiredApprovals += 1
        let tightened = try sample.key(
          first.name.description + "-new",
          versions: first.versions.count,
          attributes: attributes
        )
        try transaction.insertKey(tightened)
        var attributesOfSecond = second.attributes
        attributesOfSecond.requiredApprovals += 1
        try transaction.updateKey(second.with(attributes: attributesOfSecond), from: second)
        for version in second.versions {
          try transaction.updateVersion(
            Sample.destroyed(version),
            from: version,
            of: second.id
          )
        }
        try transaction.putSeal(StoredSeal(slot: 1, record: Array("another seal".utf8)))
        try transaction.setMeta(.auditSigningKey, Array("wrapped anew".utf8))
        try transaction.deleteRecord(SampleImage.record(0, "older"))
        try transaction.updateRecord(
          SampleImage.record(1, "newer"),
          from: SampleImage.record(1, "older")
        )
      }
      frontier = try sample.log(20, to: store, from: frontier)
      try store.scrub()
    }
    database = try contents(of: scratch("data/keyward.db"))
    anchor = try contents(of: scratch("data/anchor"))
    let store = try SQLiteStore.open(directory: scratch("data"))
    state = StateImage(try store.unlock(sample.keys, accepting: []))
    entries = try store.read { try $0.auditEntries(from: 0, limit: 1000) }
  }

  /// A record of one of two kinds.
  private static func record(_ number: Int, _ body: String) -> StoredRecord {
    StoredRecord(
      kind: number.isMultiple(of: 2) ? .role : .policy,
      id: "r\(number)",
      body: Array("\(body) \(number)".utf8)
    )
  }

  /// Puts a store with this database into a folder, with the image's anchor if none is given.
  func place(_ database: [UInt8], anchor: [UInt8]? = nil, in directory: String) throws {
    try? FileManager.default.removeItem(atPath: directory)
    try FileManager.default.createDirectory(
      atPath: directory,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700]
    )
    try write(database, to: directory + "/keyward.db")
    try write(anchor ?? self.anchor, to: directory + "/anchor")
  }

  /// What became of a store.
  enum Verdict: Equatable {
    /// It was refused, with the error's words.
    case refused(StoreError)
    /// `fsck` found something, though the store opens with all its rows.
    case found(String)
    /// Everything is as it was written.
    case harmless
    /// Something came back that was never written.
    case wrong(String)
  }

  /// Opens a store with all keys, compares everything that it gives, and runs `fsck`.
  func judge(_ directory: String, anchorPath: String? = nil) throws -> Verdict {
    var readBack: [StoredAuditEntry] = []
    do {
      let store = try SQLiteStore.open(directory: directory, anchorPath: anchorPath)
      let loaded = StateImage(try store.unlock(sample.keys, accepting: []))
      guard loaded == state else { return .wrong("another state") }
      readBack = try store.read { try $0.auditEntries(from: 0, limit: 1000) }
    } catch let error as StoreError {
      return .refused(error)
    }
    let report = try Fsck(directory: directory, anchorPath: anchorPath).check(
      rootKey: sample.rootKey
    )
    if let finding = report.findings.first { return .found("\(finding)") }
    return readBack == entries ? .harmless : .wrong("other audit entries, and fsck is content")
  }
}
