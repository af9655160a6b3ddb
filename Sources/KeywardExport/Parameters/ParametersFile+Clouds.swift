import KeywardModel

extension ParametersFile {
  /// `aws kms get-parameters-for-import`: `{KeyId, ImportToken, PublicKey, ParametersValidTo}`.
  static func aws(_ bytes: [UInt8], _ hints: Hints) throws(ExportRefusal) -> WrappingParameters {
    let object = try object(bytes)
    return WrappingParameters(
      provider: .aws,
      providerKeyID: try text(object, "KeyId"),
      publicKey: try wrappingKey(base64(object, "PublicKey")),
      algorithm: try algorithm(
        hints,
        oneOf: [.oaepSHA256, .oaepSHA1, .hybridSHA256, .hybridSHA1]
      ),
      token: try base64(object, "ImportToken"),
      validUntil: try moment(object, "ParametersValidTo")
    )
  }

  /// `az keyvault key show` of the KEK, or its PEM (`az keyvault key download`) with its identifier.
  static func azure(
    _ bytes: [UInt8],
    _ provider: ExportProvider,
    _ hints: Hints
  ) throws(ExportRefusal) -> WrappingParameters {
    let identifier: String
    let spki: [UInt8]
    if bytes.first == UInt8(ascii: "-") {
      guard let named = hints.wrappingKeyID else {
        throw unreadable("a PEM file needs the identifier of the KEK beside it")
      }
      identifier = named
      spki = try wrappingKey(pem: String(decoding: bytes, as: UTF8.self))
    } else {
      let whole = try object(bytes)
      let key = whole.object("key") ?? whole
      identifier = try text(key, "kid")
      let operations = key.array("key_ops") ?? key.array("keyOps") ?? []
      guard operations.map(\.text) == ["import"] else {
        throw ExportRefusal(
          .kekOperations,
          "The KEK must have the one operation 'import'.",
          remedy: "az keyvault key create --kty RSA-HSM --size 4096 --ops import",
          place: "key.key_ops"
        )
      }
      guard try text(key, "kty") == "RSA-HSM" else {
        throw unreadable("the KEK is not an RSA-HSM key", at: "key.kty")
      }
      spki = try AzureKey.spki(key)
    }
    try AzureKey.checkVersioned(identifier)
    return WrappingParameters(
      provider: provider,
      providerKeyID: hints.providerKeyID ?? "",
      publicKey: spki,
      algorithm: .hybridSHA1,
      wrappingKeyID: identifier
    )
  }

  /// `gcloud kms import-jobs describe --format json`.
  static func google(_ bytes: [UInt8], _ hints: Hints) throws(ExportRefusal) -> WrappingParameters {
    let object = try object(bytes)
    let method = try GoogleJobMethod.named(text(object, "importMethod"))
    let state = object["state"]?.text ?? ""
    guard state == "ACTIVE" else {
      throw ExportRefusal(
        .jobNotActive,
        "The import job is not active, so it takes no key.",
        remedy: "Wait until it is, or make another: it lives for 3 days.",
        place: "state"
      )
    }
    guard let key = object.object("publicKey") else { throw unreadable("there is no 'publicKey'") }
    let spki = try wrappingKey(pem: text(key, "pem"))
    try method.check(spki)
    return WrappingParameters(
      provider: .google,
      providerKeyID: hints.providerKeyID ?? "",
      publicKey: spki,
      algorithm: method.algorithm,
      validUntil: try moment(object, "expireTime"),
      wrappingKeyID: try text(object, "name"),
      protectionLevel: try text(object, "protectionLevel")
    )
  }

  /// `bao read -format=json transit/wrapping_key`, the answer of the API, or the PEM alone.
  static func transit(
    _ bytes: [UInt8],
    _ provider: ExportProvider,
    _ hints: Hints
  ) throws(ExportRefusal) -> WrappingParameters {
    let pem: String
    if bytes.first == UInt8(ascii: "-") {
      pem = String(decoding: bytes, as: UTF8.self)
    } else {
      let object = try object(bytes)
      pem = try text(object.object("data") ?? object, "public_key")
    }
    return WrappingParameters(
      provider: provider,
      providerKeyID: hints.providerKeyID ?? "",
      publicKey: try wrappingKey(pem: pem),
      // It is named in the request, so any of the five will do.
      algorithm: hints.algorithm ?? .hybridSHA256
    )
  }

  /// `oci kms management wrapping-key get`.
  static func oci(_ bytes: [UInt8], _ hints: Hints) throws(ExportRefusal) -> WrappingParameters {
    let object = try object(bytes)
    let data = object.object("data") ?? object
    return WrappingParameters(
      provider: .oci,
      providerKeyID: hints.providerKeyID ?? "",
      publicKey: try wrappingKey(pem: text(data, "public-key", "publicKey")),
      algorithm: hints.algorithm ?? .hybridSHA256,
      wrappingKeyID: data["id"]?.text
    )
  }

  /// `GET /api/v2/import_token`: `payload` is the PEM in base64, `nonce` what is to be encrypted.
  static func ibm(
    _ bytes: [UInt8],
    _ provider: ExportProvider,
    _ hints: Hints
  ) throws(ExportRefusal) -> WrappingParameters {
    let object = try object(bytes)
    let nonce = try base64(object, "nonce")
    guard (1...256).contains(nonce.count) else { throw unreadable("'nonce' has another length") }
    return WrappingParameters(
      provider: provider,
      providerKeyID: hints.providerKeyID ?? "",
      publicKey: try wrappingKey(
        pem: String(decoding: base64(object, "payload"), as: UTF8.self)
      ),
      algorithm: provider == .ibm ? .oaepSHA256 : .oaepSHA1,
      validUntil: try moment(object, "expirationDate"),
      nonce: nonce
    )
  }

  /// `aliyun kms GetParametersForImport`.
  static func alibaba(_ bytes: [UInt8], _ hints: Hints) throws(ExportRefusal) -> WrappingParameters
  {
    let object = try object(bytes)
    return WrappingParameters(
      provider: .alibaba,
      providerKeyID: try text(object, "KeyId"),
      publicKey: try wrappingKey(base64(object, "PublicKey")),
      algorithm: try algorithm(hints, oneOf: [.oaepSHA256, .oaepSHA1]),
      token: try base64(object, "ImportToken"),
      validUntil: try moment(object, "TokenExpireTime")
    )
  }

  /// `tccli kms GetParametersForImport`, or the answer of the API under `Response`.
  static func tencent(_ bytes: [UInt8], _ hints: Hints) throws(ExportRefusal) -> WrappingParameters
  {
    let whole = try object(bytes)
    let object = whole.object("Response") ?? whole
    return WrappingParameters(
      provider: .tencent,
      providerKeyID: try text(object, "KeyId"),
      publicKey: try wrappingKey(base64(object, "PublicKey")),
      algorithm: try algorithm(hints, oneOf: [.oaepSHA256, .oaepSHA1]),
      token: try base64(object, "ImportToken"),
      validUntil: try moment(object, "ParametersValidTo")
    )
  }
}
