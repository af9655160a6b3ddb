import KeywardModel

/// How long a blob can be, by what is known of it.
struct BlobLength {
  private typealias Finding = ExportCheck.Finding

  private let provider: ExportProvider?
  private let algorithm: WrappingAlgorithm?
  private let type: KeyType?
  /// The sizes that the wrapping key can have, in bytes.
  private let moduli: [Int]

  init(_ hints: ExportCheck.Hints) {
    provider = hints.provider
    let offered = hints.provider.map { ProviderRules.of($0).wrappings }
    algorithm = hints.algorithm ?? (offered?.count == 1 ? offered?[0].algorithm : nil)
    type = hints.keyType
    let sizes = Set((offered ?? []).flatMap(\.bits))
    moduli =
      hints.wrappingKeyBits.map { [$0 / 8] }
      ?? (sizes.isEmpty ? [256, 384, 512] : sizes.sorted().map { $0 / 8 })
  }

  /// Whether the provider has this algorithm and such a wrapping key at all.
  func offered() -> [ExportCheck.Finding] {
    guard let provider else { return [] }
    let wrappings = ProviderRules.of(provider).wrappings
    let names = wrappings.map(\.algorithm.rawValue).joined(separator: ", ")
    if let algorithm, !wrappings.contains(where: { $0.algorithm == algorithm }) {
      return [
        Finding(
          .wrappingNotOffered,
          "\(provider.title) takes nothing under \(algorithm.rawValue).",
          at: "the algorithm",
          remedy: "Wrap again with one of: \(names)."
        )
      ]
    }
    let sizes = Set(
      wrappings.filter { algorithm == nil || $0.algorithm == algorithm }.flatMap(\.bits)
    )
    guard moduli.contains(where: { sizes.contains($0 * 8) }) else {
      return [
        Finding(
          .wrappingKeySize,
          "\(provider.title) has no wrapping key of \(moduli[0] * 8) bits.",
          at: "the wrapping key",
          remedy: "Ask for one of \(sizes.sorted().map(String.init).joined(separator: ", ")) bits."
        )
      ]
    }
    return []
  }

  /// What is wrong with a blob of `count` bytes; nil if it can be whole.
  func finding(_ count: Int) -> ExportCheck.Finding? {
    switch algorithm?.envelope {
    case .direct: direct(count)
    case .hybrid: hybrid(count)
    case .symmetric: symmetric(count)
    case nil: moduli.contains(count) ? nil : hybrid(count)
    }
  }

  private func direct(_ count: Int) -> ExportCheck.Finding? {
    guard !moduli.contains(count) else { return nil }
    if Self.allModuli.contains(count) { return anotherKey(count * 8) }
    return Finding(
      .blobLength,
      "RSA-OAEP gives \(list(moduli)) bytes, and the blob has \(count).",
      at: "byte \(min(count, moduli.last ?? count))",
      remedy: count > 256
        ? "If it was wrapped with RSA_AES_KEY_WRAP, say so; else copy it again, whole."
        : "Copy it again, whole."
    )
  }

  private func hybrid(_ count: Int) -> ExportCheck.Finding? {
    let wrapped = type.map(Self.wrapped)
    if moduli.contains(where: { fits(count - $0, wrapped) }) { return nil }
    if algorithm != nil, Self.allModuli.contains(count) {
      return Finding(
        .blobLength,
        "The blob ends after RSA-OAEP: AES-KWP with the material is not there.",
        at: "byte \(count)",
        remedy: "Wrap with RSA_AES_KEY_WRAP, or name the direct algorithm."
      )
    }
    if let other = Self.allModuli.first(where: {
      !moduli.contains($0) && fits(count - $0, wrapped)
        && (wrapped != nil || count < moduli[0] + 16)
    }) {
      return anotherKey(other * 8)
    }
    if let type, let finding = moduli.lazy.compactMap({ mistake(count - $0, type, $0) }).first {
      return finding
    }
    let modulus = moduli.last { $0 + 16 <= count } ?? moduli[0]
    guard count >= modulus + 16 else {
      return Finding(
        .blobLength,
        "The blob has \(count) bytes, and RSA-OAEP with AES-KWP gives \(modulus + 16) or more.",
        at: "byte \(count)",
        remedy: "Copy it again, whole."
      )
    }
    let excess = (count - modulus) % 8
    return Finding(
      .blobLength,
      excess == 0
        ? "After RSA-OAEP of \(modulus) bytes come \(count - modulus), and AES-KWP of this key gives "
          + "\(list((wrapped ?? []).sorted()))."
        : "After RSA-OAEP of \(modulus) bytes come \(count - modulus), and AES-KWP gives a multiple "
          + "of 8.",
      at: "byte \(count - excess)",
      remedy: excess == 0
        ? "Look whether it is the right key and whole." : "Copy it again, as bytes and whole."
    )
  }

  private func symmetric(_ count: Int) -> ExportCheck.Finding? {
    if algorithm == .aesKW, let type, Self.lengths(type).allSatisfy({ $0 % 8 != 0 }) {
      return Finding(
        .formatNotForKey,
        "AES-KW does not take a key of type \(type.rawValue), whose length is no multiple of 8.",
        at: "the algorithm",
        remedy: "Wrap with AES_KWP."
      )
    }
    let least = algorithm == .aesKW ? 24 : 16
    guard count % 8 == 0, count >= least else {
      return Finding(
        .blobLength,
        "\(algorithm?.rawValue ?? "") gives a multiple of 8 of at least \(least) bytes, and the blob "
          + "has \(count).",
        at: "byte \(count - count % 8)",
        remedy: "Copy it again, as bytes and whole."
      )
    }
    guard let type, !fits(count, Self.wrapped(type)) else { return nil }
    return mistake(count, type, 0)
      ?? Finding(
        .blobLength,
        "A key of type \(type.rawValue) gives \(list(Self.wrapped(type).sorted())) bytes, and the "
          + "blob has \(count).",
        at: "byte \(count)",
        remedy: "Look whether it is the right key and whole."
      )
  }

  /// What was wrapped in place of the material, if the length tells it.
  private func mistake(_ rest: Int, _ type: KeyType, _ modulus: Int) -> ExportCheck.Finding? {
    guard rest >= 16, rest % 8 == 0 else { return nil }
    let place = "byte \(modulus)"
    for (code, words, remedy, lengths) in MaterialMistakes.of(type, Self.lengths(type))
    where lengths.contains(where: { Self.padded($0) == rest }) {
      return Finding(code, "The length is that of \(words).", at: place, remedy: remedy)
    }
    return nil
  }

  private func anotherKey(_ bits: Int) -> ExportCheck.Finding {
    Finding(
      .wrappingKeySize,
      "The blob has the length that a wrapping key of \(bits) bits gives, not one of "
        + "\(list(moduli.map { $0 * 8 })) bits.",
      at: "byte 0",
      remedy: "Wrap again with the key that the provider gave."
    )
  }

  private func fits(_ rest: Int, _ wrapped: Set<Int>?) -> Bool {
    wrapped.map { $0.contains(rest) } ?? (rest >= 16 && rest % 8 == 0)
  }

  private func list(_ numbers: [Int]) -> String {
    numbers.map(String.init).joined(separator: " or ")
  }

  private static let allModuli = [256, 384, 512]

  /// The lengths of material of a type; RSA keys differ by a few bytes.
  static func lengths(_ type: KeyType) -> [Int] {
    switch type {
    case .rsa2048, .rsa3072, .rsa4096:
      Array((type.pkcs8ByteCount - 12)...(type.pkcs8ByteCount + 2))
    default:
      type.isKeyPair
        ? [type.pkcs8ByteCount] : type.generatedByteCount.map { [$0] } ?? Array(1...4096)
    }
  }

  private static func wrapped(_ type: KeyType) -> Set<Int> {
    Set(lengths(type).map(padded))
  }

  /// What AES-KWP makes of `count` bytes, and AES-KW of a multiple of 8.
  private static func padded(_ count: Int) -> Int { (count + 7) / 8 * 8 + 8 }
}
