import KeywardCrypto
import KeywardModel

/// Reads what a provider's command line or console writes about its wrapping key.
///
/// For places without a network: the file was carried there, so its wrapping key counts as supplied
/// by the caller (failure mode 16).
package enum ParametersFile {
  /// What a file does not say, and the caller must.
  package struct Hints: Sendable {
    /// AWS, Alibaba and Tencent do not repeat the algorithm that was asked for, and the wrong one
    /// makes a blob that fails only at the provider.
    package var algorithm: WrappingAlgorithm?
    /// The key at the provider, where the file is about the wrapping key alone.
    package var providerKeyID: String?
    /// Azure: the versioned identifier of the KEK, when the file is its PEM.
    package var wrappingKeyID: String?

    package init(
      algorithm: WrappingAlgorithm? = nil,
      providerKeyID: String? = nil,
      wrappingKeyID: String? = nil
    ) {
      self.algorithm = algorithm
      self.providerKeyID = providerKeyID
      self.wrappingKeyID = wrappingKeyID
    }
  }

  /// The longest file that is read, in bytes.
  package static let maximumLength = 64 << 10

  /// What `bytes` says, in the form of `provider`.
  package static func read(
    _ bytes: [UInt8],
    _ provider: ExportProvider,
    _ hints: Hints = Hints()
  ) throws(ExportRefusal) -> WrappingParameters {
    guard bytes.count <= maximumLength else { throw unreadable("it has more than 64 KiB") }
    switch provider {
    case .aws: return try aws(bytes, hints)
    case .azure, .azureManagedHSM: return try azure(bytes, provider, hints)
    case .google: return try google(bytes, hints)
    case .openbao, .vault: return try transit(bytes, provider, hints)
    case .oci: return try oci(bytes, hints)
    case .ibm, .hpcs: return try ibm(bytes, provider, hints)
    case .alibaba: return try alibaba(bytes, hints)
    case .tencent: return try tencent(bytes, hints)
    }
  }

  static func unreadable(_ why: String, at place: String? = nil) -> ExportRefusal {
    ExportRefusal(.parametersUnreadable, "The parameters cannot be used: \(why).", place: place)
  }

  /// The object that the file must be.
  static func object(_ bytes: [UInt8]) throws(ExportRefusal) -> JSONObject {
    do throws(StrictJSON.Failure) {
      return try StrictJSON.object(bytes)
    } catch {
      throw unreadable(
        "the JSON \(error.reason), at byte \(error.offset)",
        at: "byte \(error.offset)"
      )
    }
  }

  static func text(_ object: JSONObject, _ names: String...) throws(ExportRefusal) -> String {
    for name in names { if let text = object[name]?.text, !text.isEmpty { return text } }
    throw unreadable("there is no '\(names[0])'", at: names[0])
  }

  /// Padded standard base64, as these providers write it.
  static func base64(_ object: JSONObject, _ name: String) throws(ExportRefusal) -> [UInt8] {
    let text = try text(object, name)
    guard let bytes = Base64.decode(text) else {
      guard Base64.decodeURL(text) == nil else {
        throw ExportRefusal(
          .base64Variant,
          "'\(name)' is in base64url, where standard base64 with padding is due.",
          place: name
        )
      }
      throw unreadable("'\(name)' is not base64", at: name)
    }
    return bytes
  }

  /// The SubjectPublicKeyInfo of an RSA key, from DER or PEM.
  static func wrappingKey(_ der: [UInt8]) throws(ExportRefusal) -> [UInt8] {
    let key: PublicKey
    do throws(CryptoError) {
      key = try PublicKey(spki: der)
    } catch {
      throw unreadable("the wrapping key is not a SubjectPublicKeyInfo in DER", at: "wrapping key")
    }
    guard key.algorithm.isRSA else {
      throw unreadable("the wrapping key is not an RSA key", at: "wrapping key")
    }
    return der
  }

  static func wrappingKey(pem: String) throws(ExportRefusal) -> [UInt8] {
    try wrappingKey(PEMText.publicKey(pem))
  }

  static func algorithm(
    _ hints: Hints,
    oneOf offered: [WrappingAlgorithm]
  ) throws(ExportRefusal) -> WrappingAlgorithm {
    guard let algorithm = hints.algorithm ?? (offered.count == 1 ? offered[0] : nil) else {
      throw ExportRefusal(
        .wrappingAlgorithmMissing,
        "The file does not say which wrapping algorithm it was asked for.",
        remedy: "Name it: \(offered.map(\.rawValue).joined(separator: ", "))."
      )
    }
    return algorithm
  }

  static func moment(
    _ object: JSONObject,
    _ names: String...
  ) throws(ExportRefusal) -> Timestamp? {
    for name in names {
      guard let value = object[name] else { continue }
      guard let moment = ProviderTime.parse(value) else {
        throw unreadable("'\(name)' is not a point in time", at: name)
      }
      return moment
    }
    return nil
  }
}
