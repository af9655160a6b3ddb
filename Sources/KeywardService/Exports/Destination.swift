package import KeywardExport
package import KeywardModel

/// A destination of exports, checked: whose keys may be made there, and how.
///
/// It holds no secret. What it says is part of each export that names it: an export that was
/// prepared under other words is not completed.
package struct Destination: Hashable, Sendable {
  package let name: RegistryName
  package let provider: ExportProvider
  /// The document without its name, each field that is there.
  private let fields: [String: String]
  /// Those that may wrap for it; nil for all that the rules allow.
  package let wrappingAlgorithms: [WrappingAlgorithm]?
  package let minimumRSABits: Int
  /// SHA-256 of trusted wrapping keys, lower-case hexadecimal, in order.
  package let pinnedKeys: [String]

  package static let standardRSABits = 3072

  /// The name of a destination that no record has: what is handed over as a file.
  package static let file = "file"

  /// A field of the document, by its name in the API.
  package subscript(_ field: DestinationDocument.CodingKeys) -> String? {
    fields[field.rawValue]
  }

  /// Where the server finds the credentials.
  package enum Credentials: Hashable, Sendable {
    case environment
    case profile(String)
    case file(String)
  }

  package var credentials: Credentials {
    guard let text = self[.credentials] else { return .environment }
    if text.hasPrefix("profile:") { return .profile(String(text.dropFirst(8))) }
    if text.hasPrefix("file:") { return .file(String(text.dropFirst(5))) }
    return .environment
  }

  /// Where keys are made: the fields that say neither how nor under whose name.
  package var place: [UInt8] {
    let others = [DestinationDocument.CodingKeys.description, .credentials, .authorities, .kek]
    var writer = RecordWriter("keyward/destination-place/1")
    writer.add(provider.rawValue)
    for (field, text) in fields.sorted(by: { $0.key < $1.key })
    where !others.contains(where: { $0.rawValue == field }) {
      writer.add(field)
      writer.add(text)
    }
    return writer.bytes
  }

  /// Whether policy of this destination lets the algorithm wrap.
  package func allows(_ algorithm: WrappingAlgorithm) -> Bool {
    wrappingAlgorithms?.contains(algorithm) ?? true
  }

  package func isPinned(_ sha256: [UInt8]) -> Bool {
    pinnedKeys.contains(Hex.encode(sha256))
  }

  // MARK: - From and to the API

  /// Reads a document; `endpoint` and `authorities` of a provider that has its own address are for
  /// emulators, which only some servers take.
  package init(
    _ document: DestinationDocument,
    path: RegistryName,
    takesForeignEndpoints: Bool
  ) throws(ServiceError) {
    guard document.name == nil || document.name == path.description else {
      throw Self.wrong("'name' is not the name of the path.", "Leave 'name' out, or use the same.")
    }
    guard path.description != Self.file else {
      throw Self.wrong("The name 'file' is taken by exports into files.", "Choose another.")
    }
    guard let provider = ExportProvider(rawValue: document.provider) else {
      let known = ExportProvider.allCases.map(\.rawValue).joined(separator: ", ")
      throw Self.wrong("The provider is unknown.", "Use one of: \(known).")
    }
    name = path
    self.provider = provider
    let fields = document.texts
    let rules = DestinationFields(provider)
    for (field, text) in fields {
      guard rules.known.contains(field) else {
        throw Self.wrong(
          "'\(field.rawValue)' does not go with the provider \(provider.rawValue).",
          "It takes: \(rules.words)."
        )
      }
      try field.check(text)
    }
    for field in rules.required where fields[field] == nil {
      throw Self.wrong(
        "'\(field.rawValue)' is missing.",
        "A destination of \(provider.rawValue) takes: \(rules.words)."
      )
    }
    if !rules.hasOwnEndpoint, !takesForeignEndpoints {
      for field in [DestinationDocument.CodingKeys.endpoint, .authorities]
      where fields[field] != nil {
        throw Self.wrong(
          "'\(field.rawValue)' of \(provider.rawValue) is for emulators alone, which this server "
            + "does not take.",
          "Leave it out: the provider's own address and the system's authorities count. For an "
            + "emulator start the server with --dev, or with unsafe_destination_endpoints."
        )
      }
    }
    if let text = fields[.credentials] {
      let kind = String(text.prefix { $0 != ":" })
      guard rules.credentials.contains(kind) else {
        throw Self.wrong(
          "'credentials' of \(provider.rawValue) are not of the kind '\(kind)'.",
          "Use: \(rules.credentials.joined(separator: ", "))."
        )
      }
    }
    self.fields = Dictionary(uniqueKeysWithValues: fields.map { ($0.key.rawValue, $0.value) })
    wrappingAlgorithms = try document.wrappingAlgorithms.map { names throws(ServiceError) in
      var algorithms: [WrappingAlgorithm] = []
      for name in names {
        guard let algorithm = WrappingAlgorithm(rawValue: name), !algorithms.contains(algorithm)
        else {
          throw Self.wrong(
            "'wrapping_algorithms' has an unknown or doubled member.",
            "Use some of: \(WrappingAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))."
          )
        }
        algorithms.append(algorithm)
      }
      guard !algorithms.isEmpty else { throw Self.wrong("'wrapping_algorithms' is empty.", "") }
      return algorithms
    }
    minimumRSABits = document.minimumRSABits ?? Self.standardRSABits
    guard [2048, 3072, 4096].contains(minimumRSABits) else {
      throw Self.wrong("'minimum_rsa_bits' is none of 2048, 3072, 4096.", "")
    }
    let pins = document.pinnedKeys ?? []
    guard pins.count <= 32,
      pins.allSatisfy({ $0.utf8.count == 64 && Hex.decode($0) != nil && $0 == $0.lowercased() })
    else {
      throw Self.wrong(
        "'pinned_keys' has a member that is no SHA-256, or more than 32.",
        "Give 64 lower-case hexadecimal digits of the key's SubjectPublicKeyInfo each."
      )
    }
    pinnedKeys = Set(pins).sorted()
  }

  private static func wrong(_ words: String, _ remedy: String) -> ServiceError {
    ServiceError(.invalidRequest, words, remedy: remedy.isEmpty ? nil : remedy)
  }

  package var document: DestinationDocument {
    var document = DestinationDocument(name: name.description, provider: provider.rawValue)
    for (field, text) in fields {
      guard let field = DestinationDocument.CodingKeys(rawValue: field) else { continue }
      document[field] = text
    }
    document.wrappingAlgorithms = wrappingAlgorithms?.map(\.rawValue)
    document.minimumRSABits = minimumRSABits
    document.pinnedKeys = pinnedKeys.isEmpty ? nil : pinnedKeys
    return document
  }

  // MARK: - From and to the store

  private static let label = "keyward/destination/1"

  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(name.description)
    writer.add(provider.rawValue)
    writer.add(UInt64(fields.count))
    for (field, text) in fields.sorted(by: { $0.key < $1.key }) {
      writer.add(field)
      writer.add(text)
    }
    writer.add((wrappingAlgorithms ?? []).map(\.rawValue).joined(separator: ","))
    writer.add(UInt64(clamping: minimumRSABits))
    writer.add(pinnedKeys.joined(separator: ","))
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote; nil for anything else.
  package init?(decoding bytes: [UInt8]) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      guard let name = RegistryName(try reader.readText()),
        let provider = ExportProvider(rawValue: try reader.readText())
      else { return nil }
      self.name = name
      self.provider = provider
      let count = try reader.readNumber()
      guard count <= 64 else { return nil }
      var fields: [String: String] = [:]
      for _ in 0..<count {
        let field = try reader.readText()
        fields[field] = try reader.readText()
      }
      self.fields = fields
      let algorithms = try reader.readText().split(separator: ",").map {
        WrappingAlgorithm(rawValue: String($0))
      }
      guard !algorithms.contains(nil) else { return nil }
      wrappingAlgorithms = algorithms.isEmpty ? nil : algorithms.compactMap { $0 }
      guard let bits = Int(exactly: try reader.readNumber()) else { return nil }
      minimumRSABits = bits
      pinnedKeys = try reader.readText().split(separator: ",").map(String.init)
      try reader.finish()
    } catch {
      return nil
    }
  }
}
