import KeywardCrypto
import KeywardModel

/// The rules of one provider, as data, and the one way to read them.
struct ProviderRules: Sendable {
  /// Something a provider can hold and take material for.
  struct KeySpec: Sendable {
    let name: String
    let family: KeyFamily
    /// The types of Keyward's keys that may become one.
    let types: [KeyType]
    /// The lengths of raw material in bytes; empty for key pairs.
    let lengths: [ClosedRange<Int>]
  }

  /// A wrapping algorithm, and the sizes of RSA keys that it is offered with.
  struct Wrapping: Sendable {
    let algorithm: WrappingAlgorithm
    let bits: [Int]
  }

  /// What is refused although spec and wrapping exist.
  struct Bar: Sendable {
    let family: KeyFamily
    let envelope: WrappingAlgorithm.Envelope
    let words: String
  }

  /// A name that the provider knows, but takes no material for.
  struct BarredSpec: Sendable {
    let name: String
    let code: ExportRefusal.Code
    let words: String
  }

  let provider: ExportProvider
  let specs: [KeySpec]
  let wrappings: [Wrapping]
  var bars: [Bar] = []
  var barredSpecs: [BarredSpec] = []
  /// Types that some would expect to go, and why they do not.
  var barredTypes: [KeyType: (code: ExportRefusal.Code, words: String)] = [:]

  func cell(
    _ subject: ExportSubject,
    _ keySpec: String,
    _ wrapping: WrappingAlgorithm,
    _ bits: Int
  ) throws(ExportRefusal) -> ExportCell {
    if let barred = barredSpecs.first(where: { $0.name == keySpec }) {
      throw ExportRefusal(barred.code, barred.words)
    }
    guard let spec = specs.first(where: { $0.name == keySpec }) else {
      throw ExportRefusal(
        .keySpecUnknown,
        "\(provider.title) has no key spec of that name that takes material.",
        remedy: "It takes: \(specs.map(\.name).joined(separator: ", "))."
      )
    }
    try check(subject, spec)
    try check(wrapping, bits)
    if let bar = bars.first(where: {
      $0.family == spec.family && $0.envelope == wrapping.envelope
    }) {
      throw ExportRefusal(
        .wrappingNotForKey,
        bar.words,
        remedy: "Use \(alternatives(spec, bits).map(\.rawValue).joined(separator: " or "))."
      )
    }
    try checkCapacity(subject, wrapping, bits)
    return ExportCell(
      provider: provider,
      subject: subject,
      keySpec: keySpec,
      wrapping: wrapping,
      wrappingKeyBits: bits,
      usesAvoidableSHA1: wrapping.hash == .sha1
        && wrappings.contains {
          $0.algorithm.hash != .sha1 && $0.algorithm.envelope == wrapping.envelope
        }
    )
  }

  /// The specs for a type of key, the usual one first.
  func specs(for subject: ExportSubject) throws(ExportRefusal) -> [KeySpec] {
    let found = specs.filter { $0.types.contains(subject.type) }
    guard found.isEmpty else { return found }
    throw notImportable(subject.type)
  }

  func usual(_ subject: ExportSubject, _ keySpec: String?) throws(ExportRefusal) -> ExportCell {
    let name: String
    if let keySpec { name = keySpec } else { name = try specs(for: subject)[0].name }
    let ways = wrappings.flatMap { way in way.bits.map { (way.algorithm, $0) } }
    // SHA-256 first, then larger keys, then the direct envelope: its blob is smaller.
    let ordered = ways.enumerated().sorted { left, right in
      let leftRank = Self.rank(left.element)
      let rightRank = Self.rank(right.element)
      return leftRank == rightRank ? left.offset < right.offset : leftRank > rightRank
    }
    var first: ExportRefusal?
    for (_, way) in ordered {
      do throws(ExportRefusal) {
        return try cell(subject, name, way.0, way.1)
      } catch {
        first = first ?? error
      }
    }
    throw first ?? notImportable(subject.type)
  }

  private static func rank(_ way: (WrappingAlgorithm, Int)) -> Int {
    let hash = way.0.hash == .sha256 ? 2 : way.0.hash == .sha1 ? 0 : 1
    return hash << 16 + way.1
  }

  private func check(_ subject: ExportSubject, _ spec: KeySpec) throws(ExportRefusal) {
    guard spec.types.contains(subject.type) else {
      let names = try specs(for: subject).map(\.name).joined(separator: " or ")
      throw ExportRefusal(
        .keySpecMismatch,
        "A key of type \(subject.type.rawValue) is not a \(spec.name).",
        remedy: "At \(provider.title) it is \(names)."
      )
    }
    guard !spec.lengths.isEmpty else { return }
    guard let count = subject.byteCount, spec.lengths.contains(where: { $0.contains(count) }) else {
      throw ExportRefusal(
        .materialLength,
        "\(provider.title) takes \(Self.words(spec.lengths)) bytes as \(spec.name), and the key has "
          + "\(subject.byteCount ?? 0)."
      )
    }
  }

  private func check(_ wrapping: WrappingAlgorithm, _ bits: Int) throws(ExportRefusal) {
    guard let offered = wrappings.first(where: { $0.algorithm == wrapping }) else {
      throw ExportRefusal(
        .wrappingNotOffered,
        "\(provider.title) takes nothing under \(wrapping.rawValue).",
        remedy: "It takes: \(wrappings.map(\.algorithm.rawValue).joined(separator: ", "))."
      )
    }
    guard offered.bits.contains(bits) else {
      throw ExportRefusal(
        .wrappingKeySize,
        "\(provider.title) has no \(wrapping.rawValue) with a wrapping key of \(bits) bits.",
        remedy: "It has \(offered.bits.map(String.init).joined(separator: ", "))."
      )
    }
  }

  private func checkCapacity(
    _ subject: ExportSubject,
    _ wrapping: WrappingAlgorithm,
    _ bits: Int
  ) throws(ExportRefusal) {
    guard wrapping.envelope == .direct, let hash = wrapping.hash else { return }
    let capacity = bits / 8 - 2 * hash.digestLength - 2
    let length = subject.byteCount ?? subject.type.pkcs8ByteCount
    guard length <= capacity else {
      throw ExportRefusal(
        .directOverflow,
        "\(wrapping.rawValue) under RSA of \(bits) bits takes \(capacity) bytes, and the material has "
          + "\(length).",
        remedy: "Use a larger wrapping key, or RSA_AES_KEY_WRAP."
      )
    }
  }

  private func notImportable(_ type: KeyType) -> ExportRefusal {
    if let barred = barredTypes[type] { return ExportRefusal(barred.code, barred.words) }
    return ExportRefusal(
      .keyTypeNotImportable,
      "\(provider.title) takes no material for a key of type \(type.rawValue)."
    )
  }

  private func alternatives(_ spec: KeySpec, _ bits: Int) -> [WrappingAlgorithm] {
    wrappings.filter { way in
      !bars.contains { $0.family == spec.family && $0.envelope == way.algorithm.envelope }
    }.map(\.algorithm)
  }

  private static func words(_ lengths: [ClosedRange<Int>]) -> String {
    lengths.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
      .joined(separator: " or ")
  }

  /// The allowed cells, with the subjects that stand for all lengths.
  var allCells: [ExportCell] {
    var cells: [ExportCell] = []
    for spec in specs {
      for type in spec.types {
        for subject in Self.subjects(type, spec) {
          for way in wrappings {
            for bits in way.bits {
              // What is refused is no cell.
              if let cell = try? cell(subject, spec.name, way.algorithm, bits) {
                cells.append(cell)
              }
            }
          }
        }
      }
    }
    return cells
  }

  private static func subjects(_ type: KeyType, _ spec: KeySpec) -> [ExportSubject] {
    guard type == .opaque else { return [ExportSubject(type)] }
    return spec.lengths.map { ExportSubject(type, byteCount: $0.lowerBound) }
  }
}

extension KeyType {
  /// The length of the PKCS#8 form in bytes; of RSA keys the longest.
  var pkcs8ByteCount: Int {
    switch self {
    case .ecP256: 138
    case .ecP384: 185
    case .ecP521: 241
    case .ecSecp256k1: 135
    case .ed25519, .x25519: 48
    case .rsa2048: 1219
    case .rsa3072: 1795
    case .rsa4096: 2376
    case .aes128, .aes256, .chacha20Poly1305, .hmacSHA256, .hmacSHA384, .hmacSHA512, .opaque:
      0
    }
  }
}

extension ExportProvider {
  /// The name for people.
  package var title: String {
    switch self {
    case .aws: "AWS KMS"
    case .azure: "Azure Key Vault"
    case .azureManagedHSM: "Azure Managed HSM"
    case .google: "Google Cloud KMS"
    case .openbao: "OpenBao transit"
    case .vault: "Vault transit"
    case .oci: "OCI Vault"
    case .ibm: "IBM Key Protect"
    case .hpcs: "IBM Hyper Protect Crypto Services"
    case .alibaba: "Alibaba Cloud KMS"
    case .tencent: "Tencent Cloud KMS"
    }
  }
}
