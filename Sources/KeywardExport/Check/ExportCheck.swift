package import KeywardCrypto
package import KeywardModel

/// Says what is wrong with a file of an export, without the key that opens it.
package enum ExportCheck {
  package enum Kind: String, CaseIterable, Sendable, Codable {
    /// The byte string that a provider takes: RSA-OAEP, RSA-OAEP and AES-KWP, AES-KW or AES-KWP.
    case blob
    /// What Azure takes.
    case byok
    /// What a provider answers when it is asked how to wrap.
    case parameters
    /// What AWS is sent to import a blob.
    case request
    /// The DER of a private key, before it is wrapped.
    case pkcs8
    /// The bytes of a symmetric key, before they are wrapped.
    case raw
    case jwe
  }

  /// In which form a blob is due.
  package enum Encoding: String, CaseIterable, Sendable, Codable {
    case raw
    case base64
    case base64url
  }

  /// What a file does not say by itself.
  package struct Hints: Sendable {
    package var kind: Kind?
    package var provider: ExportProvider?
    package var wrappingKeyBits: Int?
    package var algorithm: WrappingAlgorithm?
    package var keyType: KeyType?
    package var encoding: Encoding
    /// Google's `protectionLevel` of the key, which the job must have too.
    package var protectionLevel: String?

    package init(
      kind: Kind? = nil,
      provider: ExportProvider? = nil,
      wrappingKeyBits: Int? = nil,
      algorithm: WrappingAlgorithm? = nil,
      keyType: KeyType? = nil,
      encoding: Encoding = .raw,
      protectionLevel: String? = nil
    ) {
      self.kind = kind
      self.provider = provider
      self.wrappingKeyBits = wrappingKeyBits
      self.algorithm = algorithm
      self.keyType = keyType
      self.encoding = encoding
      self.protectionLevel = protectionLevel
    }
  }

  /// One thing that is wrong, or that could be better.
  package struct Finding: Sendable, Hashable, Encodable {
    package enum Severity: String, Sendable, Codable {
      case error
      /// The file is taken, but something better is on offer.
      case warning
    }

    package let severity: Severity
    package let code: ExportRefusal.Code
    /// One sentence without any secret.
    package let message: String
    /// A field of the file, or a byte of it.
    package let place: String
    package let remedy: String

    init(
      _ code: ExportRefusal.Code,
      _ message: String,
      at place: String,
      remedy: String,
      severity: Severity = .error
    ) {
      self.severity = severity
      self.code = code
      self.message = message
      self.place = place
      self.remedy = remedy
    }

    init(_ refusal: ExportRefusal, remedy: String, at place: String = "the whole file") {
      self.init(
        refusal.code,
        refusal.words,
        at: refusal.place ?? place,
        remedy: refusal.remedy ?? remedy
      )
    }
  }

  package struct Report: Sendable, Encodable {
    package let kind: Kind
    package let findings: [Finding]
    /// What nobody can tell from such a file.
    package let unseen: [String]

    package var isSound: Bool { findings.allSatisfy { $0.severity == .warning } }
  }

  /// The longest file that is looked at, in bytes.
  package static let maximumLength = 64 << 10

  /// Looks at a file whole; throws `file_unrecognized` if its kind cannot be told.
  package static func check(
    _ file: borrowing SecretBytes,
    _ hints: Hints,
    now: Timestamp
  ) throws(ExportRefusal) -> Report {
    let kind: Kind
    if let named = hints.kind { kind = named } else { kind = try recognize(file, hints) }
    switch kind {
    case .blob:
      let findings = BlobCheck.file(file, hints)
      return Report(kind: kind, findings: findings, unseen: BlobCheck.unseen)
    case .byok:
      let findings = BYOKCheck.check(file.revealed(), hints)
      return Report(kind: kind, findings: findings, unseen: BlobCheck.unseen)
    case .parameters:
      let findings = ParametersCheck.check(file.revealed(), hints, now: now)
      return Report(kind: kind, findings: findings, unseen: ParametersCheck.unseen)
    case .request:
      let findings = RequestCheck.check(file.revealed(), hints, now: now)
      return Report(kind: kind, findings: findings, unseen: BlobCheck.unseen + RequestCheck.unseen)
    case .pkcs8:
      let findings = PrivateKeyCheck.pkcs8(file, hints)
      return Report(kind: kind, findings: findings, unseen: PrivateKeyCheck.unseen)
    case .raw:
      let findings = PrivateKeyCheck.raw(file, hints)
      return Report(kind: kind, findings: findings, unseen: PrivateKeyCheck.unseen)
    case .jwe:
      let findings = JWECheck.check(file.revealed(), hints)
      return Report(kind: kind, findings: findings, unseen: JWECheck.unseen)
    }
  }

  /// The kind that the form of a file shows; private keys do not leave the arena for it.
  private static func recognize(
    _ file: borrowing SecretBytes,
    _ hints: Hints
  ) throws(ExportRefusal) -> Kind {
    if let shape = KeyShape.recognize(file) {
      return shape == .publicKey ? .parameters : .pkcs8
    }
    if file.withUnsafeBytes(beginsAsJSON) {
      guard let object = try? StrictJSON.object(file.revealed()) else {
        if hints.provider != nil { return .parameters }
        throw unrecognized("It begins as JSON, but cannot be read as JSON.")
      }
      if object["EncryptedKeyMaterial"] != nil { return .request }
      if object["ciphertext"] != nil {
        return object["protected"] == nil && object["recipients"] == nil ? .byok : .jwe
      }
      if hints.provider != nil || ParametersCheck.provider(of: object) != nil { return .parameters }
      throw unrecognized("It is JSON of no known form.")
    }
    let isJWE: Bool = file.withUnsafeBytes { bytes in
      bytes.starts(with: "eyJ".utf8) && bytes.contains(UInt8(ascii: "."))
    }
    if isJWE { return .jwe }
    // The smallest blob under RSA has 256 bytes; a shorter one can be anything.
    guard file.count >= 256 || hints.algorithm != nil else {
      throw unrecognized("It has \(file.count) bytes of no known form.")
    }
    return .blob
  }

  /// A blob can begin with a brace by chance, but it has control characters soon after it.
  private static func beginsAsJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let isBlank: (UInt8) -> Bool = { [0x09, 0x0a, 0x0d, 0x20].contains($0) }
    return bytes.first(where: { !isBlank($0) }) == UInt8(ascii: "{")
      && bytes.allSatisfy { $0 >= 0x20 || isBlank($0) }
  }

  private static func unrecognized(_ words: String) -> ExportRefusal {
    ExportRefusal(
      .fileUnrecognized,
      "The kind of the file cannot be told. \(words)",
      remedy: "Name it: --kind \(Kind.allCases.map(\.rawValue).joined(separator: "|"))."
    )
  }
}
