import KeywardCrypto
import KeywardModel

/// What a provider answered when it was asked how to wrap.
enum ParametersCheck {
  static let unseen = ["whether the token and the wrapping key came with the same answer"]

  private typealias Finding = ExportCheck.Finding

  private static let again = "Ask the provider for new parameters, and keep the file as it came."

  static func check(
    _ bytes: [UInt8],
    _ hints: ExportCheck.Hints,
    now: Timestamp
  ) -> [ExportCheck.Finding] {
    let object: JSONObject?
    do throws(ExportRefusal) {
      object = bytes.first == UInt8(ascii: "-") ? nil : try ParametersFile.object(bytes)
    } catch {
      return [Finding(error, remedy: again)]
    }
    guard let provider = hints.provider ?? object.flatMap(provider(of:)) else {
      return pem(bytes, hints)
    }
    let parameters: WrappingParameters
    do throws(ExportRefusal) {
      parameters = try ParametersFile.read(bytes, provider, readingHints(provider, hints))
    } catch {
      return [object.flatMap(swapped) ?? Finding(error, remedy: again)]
    }
    return time(parameters, now) + protection(parameters, hints) + wrapping(parameters, hints)
  }

  /// The provider whose form it is; nil if it is nobody's.
  ///
  /// OpenBao and Vault answer alike.
  static func provider(of object: JSONObject) -> ExportProvider? {
    if object["importMethod"] != nil { return .google }
    if object["TokenExpireTime"] != nil { return .alibaba }
    if object.object("Response") != nil { return .tencent }
    if object["ImportToken"] != nil || object["ParametersValidTo"] != nil { return .aws }
    if object["payload"] != nil, object["nonce"] != nil { return .ibm }
    if (object.object("key") ?? object)["kid"] != nil { return .azure }
    let data = object.object("data") ?? object
    if data["public_key"] != nil { return .openbao }
    return data["public-key"] != nil || data["publicKey"] != nil ? .oci : nil
  }

  /// AWS, Alibaba and Tencent do not say what they were asked for: any of theirs is read.
  private static func readingHints(
    _ provider: ExportProvider,
    _ hints: ExportCheck.Hints
  ) -> ParametersFile.Hints {
    let isPEM = provider == .azure || provider == .azureManagedHSM
    return ParametersFile.Hints(
      algorithm: hints.algorithm ?? ProviderRules.of(provider).wrappings[0].algorithm,
      // Of a PEM, the identifier of the KEK is beside it, and is not looked at.
      wrappingKeyID: isPEM
        ? "https://vault/keys/kek/\(String(repeating: "0", count: 32))" : nil
    )
  }

  /// The token where the key is due.
  private static func swapped(_ whole: JSONObject) -> ExportCheck.Finding? {
    let object = whole.object("Response") ?? whole
    func bytes(_ name: String) -> [UInt8]? { (object[name]?.text).flatMap { Base64.decode($0) } }
    guard let key = bytes("PublicKey"), let token = bytes("ImportToken"),
      (try? PublicKey(spki: key)) == nil, (try? PublicKey(spki: token)) != nil
    else { return nil }
    return Finding(
      .parametersMixed,
      "The token stands where the wrapping key is due, and the key where the token is.",
      at: "PublicKey, ImportToken",
      remedy: "Swap the two, or ask the provider again."
    )
  }

  private static func time(
    _ parameters: WrappingParameters,
    _ now: Timestamp
  )
    -> [ExportCheck.Finding]
  {
    guard let end = parameters.validUntil else {
      let names: [ExportProvider: String] = [
        .aws: "ParametersValidTo", .tencent: "ParametersValidTo", .alibaba: "TokenExpireTime",
        .google: "expireTime", .ibm: "expirationDate", .hpcs: "expirationDate",
      ]
      guard let name = names[parameters.provider] else { return [] }
      return [
        Finding(
          .parametersUnreadable,
          "There is no '\(name)', which \(parameters.provider.title) always gives.",
          at: name,
          remedy: again
        )
      ]
    }
    guard end <= now else { return [] }
    return [
      Finding(
        .parametersExpired,
        "The parameters were taken until \(end.rfc3339).",
        at: "until \(end.rfc3339)",
        remedy: again
      )
    ]
  }

  private static func protection(
    _ parameters: WrappingParameters,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    guard let due = hints.protectionLevel, let found = parameters.protectionLevel, due != found
    else { return [] }
    return [
      Finding(
        .protectionLevelMismatch,
        "The import job has another protection level than the key, which is to have \(due).",
        at: "protectionLevel",
        remedy: "Make a job with --protection-level \(due.lowercased())."
      )
    ]
  }

  private static func wrapping(
    _ parameters: WrappingParameters,
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    guard let bits = try? parameters.wrappingKeyBits else { return [] }
    let rules = ProviderRules.of(parameters.provider)
    if let due = hints.wrappingKeyBits, due != bits { return [size(bits, "\(due)")] }
    let sizes = Set(rules.wrappings.flatMap(\.bits)).sorted()
    guard sizes.contains(bits) else {
      return [size(bits, sizes.map(String.init).joined(separator: " or "))]
    }
    if let due = hints.algorithm, due != parameters.algorithm {
      return [
        Finding(
          .parametersMixed,
          "The parameters are for \(parameters.algorithm.rawValue), not for \(due.rawValue).",
          at: parameters.provider == .google ? "importMethod" : "the algorithm",
          remedy: "Wrap with what the provider says, or ask it again."
        )
      ]
    }
    guard rules.wrappings.contains(where: { $0.algorithm == parameters.algorithm }) else {
      let names = rules.wrappings.map(\.algorithm.rawValue).joined(separator: ", ")
      return [
        Finding(
          .wrappingNotOffered,
          "\(parameters.provider.title) takes nothing under \(parameters.algorithm.rawValue).",
          at: "the algorithm",
          remedy: "Wrap with one of: \(names)."
        )
      ]
    }
    let isGoogle = parameters.provider == .google
    guard isGoogle || hints.algorithm != nil, parameters.algorithm.hash == .sha1,
      rules.wrappings.contains(where: {
        $0.algorithm.hash != .sha1
          && $0.algorithm.envelope == parameters.algorithm.envelope
      })
    else { return [] }
    return [
      Finding(
        .sha1Avoidable,
        "The wrap uses SHA-1, and \(parameters.provider.title) has SHA-256.",
        at: isGoogle ? "importMethod" : "the algorithm",
        remedy: "Ask for parameters with SHA-256.",
        severity: .warning
      )
    ]
  }

  /// A public key of no known provider.
  private static func pem(_ bytes: [UInt8], _ hints: ExportCheck.Hints) -> [ExportCheck.Finding] {
    do throws(ExportRefusal) {
      let isPEM = bytes.first == UInt8(ascii: "-")
      let spki =
        isPEM
        ? try ParametersFile.wrappingKey(pem: String(decoding: bytes, as: UTF8.self))
        : try ParametersFile.wrappingKey(bytes)
      guard let due = hints.wrappingKeyBits, let key = try? PublicKey(spki: spki),
        case .rsa(let bits) = key.algorithm, bits != due
      else { return [] }
      return [size(bits, "\(due)")]
    } catch {
      return [Finding(error, remedy: again)]
    }
  }

  private static func size(_ bits: Int, _ due: String) -> ExportCheck.Finding {
    Finding(
      .wrappingKeySize,
      "The wrapping key has \(bits) bits, and \(due) are due.",
      at: "wrapping key",
      remedy: again
    )
  }
}
