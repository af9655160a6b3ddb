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
    do { key = try PublicKey(spki: publicKey) } catch { throw ServiceError(error) }
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
    now: Timestamp
  ) throws(ServiceError) -> WrappingParameters {
    let lines = text.split { $0 == "\n" || $0 == "\r\n" }
    guard lines.first == "-----BEGIN PUBLIC KEY-----", lines.last == "-----END PUBLIC KEY-----",
      let der = Base64.decode(lines.dropFirst().dropLast().joined())
    else {
      throw ServiceError(
        .exportRefused,
        "The parameters are not read.",
        reason: ExportRefusal.Code.parametersUnreadable.rawValue
      )
    }
    return WrappingParameters(
      provider: cell.provider,
      providerKeyID: "",
      publicKey: der,
      algorithm: cell.wrapping
    )
  }

  /// The size of an RSA key.
  static func bits(of spki: [UInt8]) throws(ServiceError) -> Int {
    do throws(CryptoError) {
      if case .rsa(let bits) = try PublicKey(spki: spki).algorithm { return bits }
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
  /// The files of a bundle, and the commands that come next.
  static func bundle(
    _ export: ExportRecord,
    _ departure: Departure
  ) throws(ServiceError) -> (files: [ExportResult.File], commands: [String]) {
    (
      [
        ExportResult.File(
          name: "wrapped.bin",
          content: Base64.encode(departure.blob)
        )
      ], []
    )
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
    switch format {
    case .raw:
      return FormattedKey(body: material, algorithm: "none", wrappingKey: [], isWrapped: false)
    default:
      throw ServiceError(.unimplemented, "The format is not offered.")
    }
  }
}
