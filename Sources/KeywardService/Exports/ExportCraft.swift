import KeywardCrypto
import KeywardExport
import KeywardModel

/// What an export needs of the rules, the parameters and the envelopes, with their refusals in the
/// service's words.
enum ExportCraft {
  /// The way a key takes to a destination: what was asked for, or the best that both sides allow.
  static func cell(
    _ subject: ExportSubject,
    _ destination: Destination,
    keySpec: String?,
    algorithm: String?,
    bits: Int?
  ) throws(ServiceError) -> ExportCell {
    let cell = try run { () throws(ExportRefusal) in
      let usual = try ExportRules.usual(destination.provider, subject, keySpec: keySpec)
      guard let algorithm else {
        let spec = keySpec ?? usual.keySpec
        if destination.allows(usual.wrapping), bits == nil || bits == usual.wrappingKeyBits {
          return usual
        }
        let allowed = destination.wrappingAlgorithms ?? [usual.wrapping]
        var first: ExportRefusal?
        for wrapping in allowed {
          do throws(ExportRefusal) {
            return try ExportRules.cell(
              destination.provider,
              subject,
              keySpec: spec,
              wrapping: wrapping,
              wrappingKeyBits: bits ?? usual.wrappingKeyBits
            )
          } catch {
            first = first ?? error
          }
        }
        throw first ?? ExportRefusal(.wrappingNotOffered, "The destination lets nothing wrap.")
      }
      guard let wrapping = WrappingAlgorithm(rawValue: algorithm) else {
        throw ExportRefusal(
          .wrappingNotOffered,
          "The wrapping algorithm is unknown.",
          remedy: "Use one of: "
            + WrappingAlgorithm.allCases.map(\.rawValue).joined(separator: ", ") + "."
        )
      }
      return try ExportRules.cell(
        destination.provider,
        subject,
        keySpec: keySpec ?? usual.keySpec,
        wrapping: wrapping,
        wrappingKeyBits: bits ?? usual.wrappingKeyBits
      )
    }
    try check(cell, destination)
    return cell
  }

  /// What the destination asks for beyond the provider's rules.
  static func check(
    _ cell: ExportCell,
    _ destination: Destination
  ) throws(ServiceError) {
    guard destination.allows(cell.wrapping) else {
      throw ServiceError(
        .exportRefused,
        "The destination '\(destination.name)' does not let \(cell.wrapping.rawValue) wrap.",
        reason: "wrapping_not_allowed"
      )
    }
    guard cell.wrappingKeyBits >= destination.minimumRSABits else {
      throw ServiceError(
        .exportRefused,
        "The wrapping key has \(cell.wrappingKeyBits) bits, and '\(destination.name)' asks for "
          + "\(destination.minimumRSABits).",
        remedy: "Choose a larger one, or set minimum_rsa_bits of the destination.",
        reason: "wrapping_key_too_small"
      )
    }
    // SHA-1 where the provider forces it, or where the destination names it (failure mode 17).
    guard !cell.usesAvoidableSHA1 || destination.wrappingAlgorithms != nil else {
      throw ServiceError(
        .exportRefused,
        "\(cell.wrapping.rawValue) uses SHA-1 where the provider takes SHA-256.",
        remedy: "Use SHA-256, or name the algorithm in the destination's wrapping_algorithms.",
        reason: ExportRefusal.Code.sha1Avoidable.rawValue
      )
    }
  }

  static func run<R>(_ body: () throws(ExportRefusal) -> R) throws(ServiceError) -> R {
    do { return try body() } catch { throw ServiceError(error) }
  }
}

extension ServiceError {
  /// A refusal of the rules or of a file, in public words.
  init(_ refusal: ExportRefusal) {
    let code: ErrorCode =
      switch refusal.code {
      case .selfTestFailed: .internalError
      case .outOfMemory: .unavailable
      default: .exportRefused
      }
    self.init(code, refusal.words, remedy: refusal.remedy, reason: refusal.code.rawValue)
  }
}

extension ExportPlan {
  /// The plan in the words of the clouds; nil for a format that is no cloud's.
  func cloud(bits: Int) -> CloudPlan? {
    guard let wrapping = WrappingAlgorithm(rawValue: algorithm) else { return nil }
    return CloudPlan(
      keySpec: keySpec,
      wrapping: wrapping,
      wrappingKeyBits: bits,
      usage: usage,
      name: targetName,
      providerKeyID: targetKey,
      validUntil: validUntil,
      importType: importType,
      materialID: materialID,
      isMultiRegion: isMultiRegion,
      description: description
    )
  }
}

/// The envelopes.
extension ExportCraft {
  /// The material under the wrapping key; tried with a throw-away key of the same size before it
  /// leaves.
  static func wrap(
    _ material: SecretBox,
    _ cell: ExportCell,
    _ publicKey: [UInt8]
  ) throws(ServiceError) -> [UInt8] {
    let key: PublicKey
    do { key = try WrappingKeys.key(publicKey) } catch { throw ServiceError(error) }
    return try run { () throws(ExportRefusal) in
      try ExportEnvelope.seal(material.bytes, cell.wrapping, to: key)
    }
  }

  /// A key version in the one form that goes into envelopes.
  static func material(
    _ key: Key,
    _ version: KeyVersion,
    _ state: UnsealedState
  ) throws(ServiceError) -> SecretBox {
    if key.type.isKeyPair {
      let pair = try state.keyPair(key, version)
      return try run { () throws(ExportRefusal) in
        SecretBox(try ExportMaterial.canonical(pair))
      }
    }
    let box = try state.symmetric(key, version)
    return try run { () throws(ExportRefusal) in
      SecretBox(try ExportMaterial.canonical(box.bytes, key.type))
    }
  }
}

/// What a provider said, as a file.
extension ExportCraft {
  /// Reads what a caller brought: the provider's own answer, or its wrapping key in PEM.
  static func parameters(
    _ text: String,
    _ cell: ExportCell,
    _ plan: ExportPlan,
    now: Timestamp
  ) throws(ServiceError) -> WrappingParameters {
    try run { () throws(ExportRefusal) in
      let parameters = try ParametersFile.read(
        Array(text.utf8),
        cell.provider,
        ParametersFile.Hints(
          algorithm: cell.wrapping,
          providerKeyID: plan.targetKey,
          wrappingKeyID: plan.wrappingKeyID
        )
      )
      try parameters.check(cell, now: now)
      return parameters
    }
  }

  /// The import method that a file of Google's names, if it is one that is known.
  static func method(of text: String?, _ provider: ExportProvider) -> GoogleJobMethod? {
    guard provider == .google, let text,
      let name = (try? StrictJSON.object(Array(text.utf8)))?["importMethod"]?.text
    else { return nil }
    return try? GoogleJobMethod.named(name)
  }

  /// The size of an RSA key.
  static func bits(of spki: [UInt8]) throws(ServiceError) -> Int {
    do throws(CryptoError) {
      if case .rsa(let bits) = try WrappingKeys.key(spki).algorithm { return bits }
    } catch {}
    throw ServiceError(
      .exportRefused,
      "The wrapping key is no RSA key that is taken.",
      reason: CloudFailure.Code.wrappingKeyUnfit.rawValue
    )
  }
}

/// What comes out at the end.
extension ExportCraft {
  /// The file of a bundle, and the commands that come next.
  static func bundle(
    _ plan: ExportPlan,
    _ destination: Destination,
    _ departure: Departure,
    _ material: SecretBox,
    isNewVersion: Bool
  ) throws(ServiceError) -> ExportBundle {
    guard let cloud = plan.cloud(bits: departure.cell.wrappingKeyBits) else { throw .noWayOut }
    let parent: String? =
      switch destination.provider {
      case .oci: destination[.compartment]
      case .openbao, .vault: destination[.mount]
      case .ibm, .hpcs: destination[.instance]
      default: nil
      }
    var endpoint = destination[.endpoint]
    if endpoint == nil, destination.provider == .ibm, let region = destination[.region] {
      endpoint = "https://\(region).kms.cloud.ibm.com"
    }
    let reached = endpoint
    return try run { () throws(ExportRefusal) in
      try ExportBundle.make(
        departure.blob,
        departure.cell,
        cloud,
        departure.parameters,
        ExportBundle.Place(
          name: plan.targetName ?? "keyward",
          parent: parent,
          endpoint: reached,
          isNewVersion: isNewVersion
        ),
        material: material.bytes
      )
    }
  }
}

/// Formats that are no cloud's.
extension ExportCraft {
  static func formatted(
    _ material: SecretBox,
    _ key: Key,
    _ version: KeyVersion,
    _ format: ExportKeyRequest.Format,
    _ input: SecretBox
  ) throws(ServiceError) -> FormattedKey {
    let kid = "\(key.name)/\(version.number)"
    // Tink's ids are 32 bits; this one is the same for the same version.
    let id = key.id.bytes.prefix(4).reduce(UInt32(version.number)) { ($0 &* 31) &+ UInt32($1) } | 1
    let isEmpty = input.bytes.count == 0
    switch format {
    case .raw, .jwk: guard isEmpty else { throw Self.unfit("The format takes no input.") }
    case .tink:
      guard isEmpty || input.bytes.count == 32 else {
        throw Self.unfit("A Tink keyset is under a key of 32 bytes, or in the clear.")
      }
    case .jwe, .pkcs8, .pkcs12, .pkcs11, .pkcs11KW:
      guard !isEmpty else { throw Self.unfit("What is to wrap the key is missing.") }
    }
    switch format {
    case .raw: return FormattedKey(clear: material)
    case .jwk:
      return try run { () throws(ExportRefusal) in
        FormattedKey(clear: SecretBox(try JWK.write(material.bytes, key.type, kid: kid)))
      }
    case .jwe:
      let recipient = try recipient(input)
      let text = try run { () throws(ExportRefusal) in
        let jwk = try JWK.write(material.bytes, key.type, kid: kid)
        return try JWE.seal(jwk, kid: kid, to: recipient)
      }
      return FormattedKey(
        body: try box(Array(text.utf8)),
        algorithm: recipient.algorithm.isRSA ? "RSA-OAEP-256" : "ECDH-ES-A256KW",
        wrappingKey: try spki(recipient),
        isWrapped: true
      )
    case .tink where isEmpty:
      return try run { () throws(ExportRefusal) in
        FormattedKey(clear: SecretBox(try TinkKeyset.clear(material.bytes, key.type, id: id)))
      }
    case .tink:
      let bytes = try run { () throws(ExportRefusal) in
        try TinkKeyset.encrypted(material.bytes, key.type, id: id, under: input.bytes)
      }
      return FormattedKey(
        body: try box(bytes),
        algorithm: "AES-256-GCM",
        wrappingKey: [],
        isWrapped: true
      )
    case .pkcs11, .pkcs11KW:
      let wrapping = format == .pkcs11 ? WrappingAlgorithm.aesKWP : .aesKW
      let bytes = try run { () throws(ExportRefusal) in
        try (format == .pkcs11 ? FileFormat.pkcs11KWP : .pkcs11KW)
          .check(ExportSubject(key.type, byteCount: material.bytes.count))
        return try ExportEnvelope.seal(material.bytes, wrapping, under: input.bytes)
      }
      return FormattedKey(
        body: try box(bytes),
        algorithm: wrapping.rawValue,
        wrappingKey: [],
        isWrapped: true
      )
    case .pkcs8, .pkcs12:
      return try passworded(material, key, version, format, input)
    }
  }

  private static func unfit(_ words: String) -> ServiceError {
    ServiceError(.invalidRequest, words)
  }

  private static func recipient(_ input: SecretBox) throws(ServiceError) -> PublicKey {
    let text = String(decoding: input.bytes.revealed(), as: UTF8.self)
    let lines = text.split { $0 == "\n" || $0 == "\r\n" }
    guard lines.count >= 3, lines.first == "-----BEGIN PUBLIC KEY-----",
      lines.last == "-----END PUBLIC KEY-----",
      let der = Base64.decode(lines.dropFirst().dropLast().joined()),
      let key = try? PublicKey(spki: der)
    else { throw unfit("The recipient's key is not a public key in PEM (PUBLIC KEY).") }
    return key
  }

  private static func spki(_ key: PublicKey) throws(ServiceError) -> [UInt8] {
    do { return try key.spki() } catch { throw ServiceError(error) }
  }

  private static func box(_ bytes: [UInt8]) throws(ServiceError) -> SecretBox {
    do throws(CryptoError) {
      var secret = try SecretBytes(count: bytes.count)
      secret.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
      return SecretBox(secret)
    } catch {
      throw ServiceError(error)
    }
  }

  private static func passworded(
    _ material: SecretBox,
    _ key: Key,
    _ version: KeyVersion,
    _ format: ExportKeyRequest.Format,
    _ password: SecretBox
  ) throws(ServiceError) -> FormattedKey {
    let subject = ExportSubject(key.type, byteCount: material.bytes.count)
    try run { () throws(ExportRefusal) in
      try (format == .pkcs8 ? FileFormat.pkcs8 : .pkcs12).check(subject)
    }
    guard password.bytes.count >= Self.shortestPassword else {
      throw unfit("A password of less than \(Self.shortestPassword) bytes protects nothing.")
    }
    let bytes: [UInt8]
    do throws(CryptoError) {
      if format == .pkcs8 {
        bytes = try PasswordFiles.encryptedPKCS8(material.bytes, password: password.bytes)
      } else {
        let start = version.createdAt.milliseconds / 1000
        bytes = try PasswordFiles.pkcs12(
          try PrivateKey(pkcs8: material.bytes),
          name: key.name.description,
          certificate: nil,
          from: start,
          // PKCS#12 wants a certificate, which says nothing here: ten years are enough.
          to: start + 315_360_000,
          password: password.bytes
        )
      }
    } catch {
      throw ServiceError(error)
    }
    return FormattedKey(
      body: try box(bytes),
      algorithm: "PBES2",
      wrappingKey: [],
      isWrapped: true
    )
  }

  private static let shortestPassword = 12
}
