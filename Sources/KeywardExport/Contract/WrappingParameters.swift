package import KeywardModel

/// What a provider says, or a file of parameters, about how to wrap for it.
package struct WrappingParameters: Sendable, Equatable {
  package var provider: ExportProvider
  /// The key at the provider that will take the material: an ARN, a key identifier, a resource name.
  package var providerKeyID: String
  /// The wrapping key, as DER SubjectPublicKeyInfo.
  package var publicKey: [UInt8]
  package var algorithm: WrappingAlgorithm
  /// What binds the blob to these parameters (AWS ImportToken); used once, and never shown.
  package var token: [UInt8]?
  /// When the provider stops to take a blob under these parameters.
  package var validUntil: Timestamp?
  /// The name of the wrapping key: Azure `kid`, Google import job; nil where the token is all.
  package var wrappingKeyID: String?
  /// What IBM wants encrypted under the material, as a proof of possession.
  package var nonce: [UInt8]?
  /// Google `protectionLevel` of the import job, which must be the key's.
  package var protectionLevel: String?
  /// What the provider's key held when these were given, in words of the destination's own; so that
  /// it can be told later whether an import added to it.
  package var before: String?

  package init(
    provider: ExportProvider,
    providerKeyID: String,
    publicKey: [UInt8],
    algorithm: WrappingAlgorithm,
    token: [UInt8]? = nil,
    validUntil: Timestamp? = nil,
    wrappingKeyID: String? = nil,
    nonce: [UInt8]? = nil,
    protectionLevel: String? = nil,
    before: String? = nil
  ) {
    self.provider = provider
    self.providerKeyID = providerKeyID
    self.publicKey = publicKey
    self.algorithm = algorithm
    self.token = token
    self.validUntil = validUntil
    self.wrappingKeyID = wrappingKeyID
    self.nonce = nonce
    self.protectionLevel = protectionLevel
    self.before = before
  }
}
