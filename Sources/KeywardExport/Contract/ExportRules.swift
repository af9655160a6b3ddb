/// Which key may go to which provider, as what, and how wrapped.
///
/// The data stands in `Rules/`, once; every refusal comes with a code before anything is wrapped.
package enum ExportRules {
  /// The cell for a key, or why there is none.
  package static func cell(
    _ provider: ExportProvider,
    _ subject: ExportSubject,
    keySpec: String,
    wrapping: WrappingAlgorithm,
    wrappingKeyBits: Int
  ) throws(ExportRefusal) -> ExportCell {
    try ProviderRules.of(provider).cell(subject, keySpec, wrapping, wrappingKeyBits)
  }

  /// The specs that a key of this type may become, the usual one first.
  ///
  /// Refuses a type that the provider does not take at all.
  package static func keySpecs(
    _ provider: ExportProvider,
    _ subject: ExportSubject
  ) throws(ExportRefusal) -> [String] {
    try ProviderRules.of(provider).specs(for: subject).map(\.name)
  }

  /// The way to take when nothing is asked for: the first spec, SHA-256 where the provider has it,
  /// and the largest wrapping key.
  package static func usual(
    _ provider: ExportProvider,
    _ subject: ExportSubject,
    keySpec: String? = nil
  ) throws(ExportRefusal) -> ExportCell {
    try ProviderRules.of(provider).usual(subject, keySpec)
  }

  /// Every allowed cell; `opaque` and HMAC keys with the lengths that the specs name.
  package static var allCells: [ExportCell] {
    ExportProvider.allCases.flatMap { ProviderRules.of($0).allCells }
  }
}
