/// One allowed way for a key to a provider.
package struct ExportCell: Hashable, Sendable {
  package let provider: ExportProvider
  package let subject: ExportSubject
  /// AWS `KeySpec`; Azure `kty`, for curves with `/crv`; Google `algorithm`; transit `type`; OCI
  /// `keyShape.algorithm`.
  package let keySpec: String
  package let wrapping: WrappingAlgorithm
  /// The size of the RSA wrapping key in bits.
  package let wrappingKeyBits: Int
  /// Whether the provider would take the same key with SHA-256 (failure mode 17).
  package let usesAvoidableSHA1: Bool

  package var form: MaterialForm { subject.form }
}
