import KeywardExport

/// What the server's administrator vouches for: which address gets which credentials, and who may
/// speak for it.
///
/// Destinations are written by people with less power. Without this, who may write one could have the
/// server's tokens, and a key, sent to a host of their own, and call its wrapping key the provider's.
package struct CloudTrust: Sendable {
  /// Where `file:NAME` is.
  ///
  /// `NAME.addr` beside it holds the addresses that the credentials are for, one a line; `NAME.ca` the
  /// authorities in PEM that vouch for them, without which the system's do.
  package let credentialsDirectory: String
  /// Whether addresses and authorities are taken from the destination: for emulators, since then who
  /// may write it decides where AWS, Azure and Google are.
  package let takesForeignEndpoints: Bool
  package let source: CredentialSource

  package init(
    credentialsDirectory: String,
    takesForeignEndpoints: Bool = false,
    source: CredentialSource = CredentialSource()
  ) {
    self.credentialsDirectory = credentialsDirectory
    self.takesForeignEndpoints = takesForeignEndpoints
    self.source = source
  }

  /// The path of a file of credentials; nil for others.
  func path(of credentials: CloudPlace.Credentials) -> String? {
    guard case .file(let name) = credentials else { return nil }
    return credentialsDirectory + "/" + name
  }

  /// The authorities to trust at the place, in PEM, nil for the system's; refuses a place that nobody
  /// but its destination vouches for.
  func authorities(for place: CloudPlace) throws(CloudFailure) -> String? {
    let isSelfRun = place.provider == .openbao || place.provider == .vault
    let isOwn = place.endpoint == nil && place.authorities == nil
    guard isSelfRun || isOwn || takesForeignEndpoints else {
      throw CloudFailure(
        .unvouched,
        "The destination names an endpoint or authorities in place of the provider's own.",
        remedy: "Leave both out. For an emulator start the server with --dev, or with "
          + "unsafe_destination_endpoints in its configuration."
      )
    }
    var vouched: String?
    if let endpoint = place.endpoint {
      if let path = path(of: place.credentials) {
        try check(endpoint, isIn: path + ".addr", place.credentials)
        vouched = try CredentialSource.settings(path + ".ca")
      } else if isSelfRun {
        vouched = try source.vaultAuthorities(for: endpoint)
      }
    }
    guard let named = place.authorities else { return vouched }
    guard takesForeignEndpoints || vouched.map({ Self.isSame($0, named) }) == true else {
      throw CloudFailure(
        .unvouched,
        "The destination names authorities that this server does not vouch for.",
        remedy: "Put them beside the credentials as \(Self.shown(place.credentials)), or leave "
          + "them out of the destination."
      )
    }
    return named
  }

  private func check(
    _ endpoint: String,
    isIn path: String,
    _ credentials: CloudPlace.Credentials
  ) throws(CloudFailure) {
    guard case .file(let name) = credentials else { return }
    let addresses = try CredentialSource.settings(path)
    let isThere = addresses?.split(whereSeparator: \.isWhitespace).contains { $0 == endpoint }
    guard isThere == true else {
      throw CloudFailure(
        .unvouched,
        addresses == nil
          ? "Which address the credentials '\(name)' are for is not said on this server."
          : "The credentials '\(name)' are not for the endpoint of the destination.",
        remedy: "Write the endpoint, as the destination has it, into \(name).addr beside the "
          + "credentials, if they may be sent there."
      )
    }
  }

  private static func isSame(_ one: String, _ other: String) -> Bool {
    one.split(whereSeparator: \.isWhitespace) == other.split(whereSeparator: \.isWhitespace)
  }

  private static func shown(_ credentials: CloudPlace.Credentials) -> String {
    if case .file(let name) = credentials { return "\(name).ca" }
    return "BAO_CACERT or VAULT_CACERT"
  }
}
