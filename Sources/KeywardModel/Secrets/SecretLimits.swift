/// The maxima of secrets; `docs/secrets.md` lists them.
package enum SecretLimits {
  /// Bytes of one field.
  package static let fieldBytes = 1 << 20
  /// Fields of one version.
  package static let fields = 64
  /// Bytes of all fields of one version.
  package static let versionBytes = 2 << 20
  /// Versions that are kept of a secret in one environment; the oldest go first.
  package static let versions = 100
  /// References of one fetch.
  package static let references = 1000
  /// Bytes of all values of one fetch.
  package static let fetchBytes = 8 << 20
  /// Bytes of the JSON before the values of a frame.
  package static let headBytes = 1 << 20
  /// Members of custom metadata, bytes of a name and of a value.
  package static let metadataMembers = 32
  package static let metadataNameBytes = 64
  package static let metadataValueBytes = 1024
  /// How many environments a lookup passes through, the first one included.
  package static let inheritanceDepth = 8
  package static let environments = 256
}
