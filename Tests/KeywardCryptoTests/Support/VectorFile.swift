import Foundation

/// A file of Wycheproof vectors (C2SP/wycheproof, testvectors_v1).
struct VectorFile {
  /// The folder that KEYWARD_VECTORS names, by default `../shared/vectors` beside the package.
  static let folder: URL = {
    let named = ProcessInfo.processInfo.environment["KEYWARD_VECTORS"]
    return named.map { URL(fileURLWithPath: $0) }
      ?? packageRoot.deletingLastPathComponent().appendingPathComponent("shared/vectors")
  }()

  static let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// All vector files there are; empty, and said aloud, when the folder is absent.
  static let names: [String] = {
    let found = try? FileManager.default.contentsOfDirectory(
      atPath: folder.appendingPathComponent("wycheproof").path
    )
    let names = (found ?? []).filter { $0.hasSuffix(".json") }.sorted()
    if names.isEmpty {
      print("SKIPPED: no Wycheproof vectors in \(folder.path); set KEYWARD_VECTORS")
    }
    return names
  }()

  static func names(_ prefix: String) -> [String] {
    names.filter { $0.hasPrefix(prefix) }
  }

  let name: String
  let groups: [Group]

  init(_ name: String) throws {
    self.name = name
    let url = Self.folder.appendingPathComponent("wycheproof").appendingPathComponent(name)
    let root = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any]
    groups = (root?["testGroups"] as? [[String: Any]] ?? []).map { Group(fields: $0) }
  }

  /// Vectors that share a key.
  struct Group {
    let fields: [String: Any]

    var cases: [Case] {
      (fields["tests"] as? [[String: Any]] ?? []).map { Case(fields: $0) }
    }

    func bytes(_ name: String) -> [UInt8] { decoded(fields[name]) }
    func number(_ name: String) -> Int { fields[name] as? Int ?? -1 }
    func text(_ name: String) -> String { fields[name] as? String ?? "" }
  }

  /// One vector.
  struct Case {
    let fields: [String: Any]

    var id: Int { fields["tcId"] as? Int ?? -1 }
    var result: String { fields["result"] as? String ?? "" }
    var flags: Set<String> { Set(fields["flags"] as? [String] ?? []) }

    func bytes(_ name: String) -> [UInt8] { decoded(fields[name]) }
    func number(_ name: String) -> Int { fields[name] as? Int ?? -1 }
    func text(_ name: String) -> String { fields[name] as? String ?? "" }
  }
}

private func decoded(_ field: Any?) -> [UInt8] {
  (field as? String).flatMap(bytes) ?? []
}
