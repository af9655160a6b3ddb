/// A kind of issuer of JWTs whose claims Keyward knows.
///
/// What each takes over, and from where, is in docs/identities.md.
package enum Preset: String, Sendable, CaseIterable, Hashable {
  case github
  case gitlab
  case azurePipelines = "azure-pipelines"
  case jenkins
  case kubernetes
  case spiffe
  /// Any other issuer: the name is `sub`, and the claims are those that the record lists.
  case oidc
}
