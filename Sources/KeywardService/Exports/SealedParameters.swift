import KeywardCrypto
import KeywardExport
import KeywardKeyring
import KeywardModel

/// What a provider said for an export, encrypted for the time until it is completed: an import token
/// is no business of who reads the database.
enum SealedParameters {
  private static let label = "keyward/export-parameters/1"

  static func seal(
    _ parameters: WrappingParameters,
    for export: ExportID,
    _ state: UnsealedState
  ) throws(ServiceError) -> [UInt8] {
    var writer = RecordWriter(label)
    writer.add(parameters.provider.rawValue)
    writer.add(parameters.providerKeyID)
    writer.add(parameters.publicKey)
    writer.add(parameters.algorithm.rawValue)
    writer.add(UInt64(parameters.token == nil ? 0 : 1))
    writer.add(parameters.token ?? [])
    writer.add(parameters.validUntil?.milliseconds)
    writer.add(parameters.wrappingKeyID ?? "")
    writer.add(parameters.nonce ?? [])
    writer.add(parameters.protectionLevel ?? "")
    writer.add(parameters.before ?? "")
    do {
      let key = try state.rootKey().subkey(.exportParameters)
      return try KeywardKeyring.Envelope.seal(
        .aes256,
        key: key.bytes,
        version: 1,
        aad: .exportParameters(store: state.store, export: export),
        plaintext: try plaintext(writer.bytes)
      )
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(.internalError, "The parameters could not be kept.")
    }
  }

  private static func plaintext(_ bytes: [UInt8]) throws(CryptoError) -> SecretBytes {
    var secret = try SecretBytes(count: bytes.count)
    secret.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    return secret
  }

  static func open(
    _ sealed: [UInt8],
    for export: ExportID,
    _ state: UnsealedState
  ) throws(ServiceError) -> WrappingParameters {
    do {
      let key = try state.rootKey().subkey(.exportParameters)
      let bytes = try KeywardKeyring.Envelope.open(
        expecting: .aes256,
        key: key.bytes,
        aad: .exportParameters(store: state.store, export: export),
        sealed
      )
      if let parameters = try read(bytes.revealed()) { return parameters }
    } catch let error as ServiceError {
      throw error
    } catch {}
    throw ServiceError(
      .tampered,
      "The parameters of the export \(export) do not open.",
      remedy: "Run keyward fsck; prepare the export anew."
    )
  }

  private static func read(
    _ bytes: [UInt8]
  ) throws(RecordReader.Failure) -> WrappingParameters? {
    var reader = try RecordReader(bytes, label: label)
    guard let provider = ExportProvider(rawValue: try reader.readText()) else { return nil }
    let providerKeyID = try reader.readText()
    let publicKey = try reader.readBytes()
    guard let algorithm = WrappingAlgorithm(rawValue: try reader.readText()) else { return nil }
    let hasToken = try reader.readNumber() == 1
    let token = try reader.readBytes()
    let end = try reader.readBytes(limit: 8)
    let wrappingKeyID = try reader.readText()
    let nonce = try reader.readBytes()
    let protectionLevel = try reader.readText()
    let before = try reader.readText()
    try reader.finish()
    return WrappingParameters(
      provider: provider,
      providerKeyID: providerKeyID,
      publicKey: publicKey,
      algorithm: algorithm,
      token: hasToken ? token : nil,
      validUntil: end.count == 8
        ? Timestamp(
          milliseconds: Int64(bitPattern: end.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        ) : nil,
      wrappingKeyID: wrappingKeyID.isEmpty ? nil : wrappingKeyID,
      nonce: nonce.isEmpty ? nil : nonce,
      protectionLevel: protectionLevel.isEmpty ? nil : protectionLevel,
      before: before.isEmpty ? nil : before
    )
  }
}
