/// An issuer of JWTs as the API takes and shows it.
///
/// Just one of `key_set`, `key_set_url` and `discovery` says where its keys come from.
package struct IssuerDocument: Hashable, WireRequest {
  /// The name by which policy calls the issuer.
  package var name: String?
  /// One of the presets: `github`, `gitlab`, `azure-pipelines`, `jenkins`, `kubernetes`, `spiffe`, `oidc`.
  package var preset: String
  /// Exactly the `iss` of its tokens, an https URL.
  package var url: String
  /// The audiences that its tokens are for: at least one.
  package var audiences: [String]
  /// The keys themselves: the text of a JSON Web Key Set (RFC 7517).
  package var keySet: String?
  /// An https URL of a JSON Web Key Set.
  package var keySetURL: String?
  /// True to ask `url` itself where its key set is (OpenID Connect Discovery).
  package var discovery: Bool?
  /// The environment of all its identities; it goes before one from a claim.
  package var environment: String?
  /// Claims to take over besides those of the preset.
  package var claims: [String]?
  /// The trust domain of a SPIFFE issuer, such as `prod.example.org`.
  package var trustDomain: String?
  /// The longest time in seconds from `iat` to `exp`; by default a day.
  package var maximumLifetime: Int64?
  /// True to take each token once, by its `jti`.
  package var singleUse: Bool?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case preset
    case url
    case audiences
    case keySet = "key_set"
    case keySetURL = "key_set_url"
    case discovery
    case environment
    case claims
    case trustDomain = "trust_domain"
    case maximumLifetime = "maximum_lifetime"
    case singleUse = "single_use"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    name: String? = nil,
    preset: String,
    url: String,
    audiences: [String],
    keySet: String? = nil,
    keySetURL: String? = nil,
    discovery: Bool? = nil,
    environment: String? = nil,
    claims: [String]? = nil,
    trustDomain: String? = nil,
    maximumLifetime: Int64? = nil,
    singleUse: Bool? = nil
  ) {
    self.name = name
    self.preset = preset
    self.url = url
    self.audiences = audiences
    self.keySet = keySet
    self.keySetURL = keySetURL
    self.discovery = discovery
    self.environment = environment
    self.claims = claims
    self.trustDomain = trustDomain
    self.maximumLifetime = maximumLifetime
    self.singleUse = singleUse
  }

  package init(from decoder: any Decoder) throws {
    try decoder.refuseFields(except: Self.fieldNames)
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    name = try fields.decodeIfPresent(String.self, forKey: .name)
    preset = try fields.decode(String.self, forKey: .preset)
    url = try fields.decode(String.self, forKey: .url)
    audiences = try fields.decode([String].self, forKey: .audiences)
    keySet = try fields.decodeIfPresent(String.self, forKey: .keySet)
    keySetURL = try fields.decodeIfPresent(String.self, forKey: .keySetURL)
    discovery = try fields.decodeIfPresent(Bool.self, forKey: .discovery)
    environment = try fields.decodeIfPresent(String.self, forKey: .environment)
    claims = try fields.decodeIfPresent([String].self, forKey: .claims)
    trustDomain = try fields.decodeIfPresent(String.self, forKey: .trustDomain)
    maximumLifetime = try fields.decodeIfPresent(Int64.self, forKey: .maximumLifetime)
    singleUse = try fields.decodeIfPresent(Bool.self, forKey: .singleUse)
  }
}

/// A certificate authority whose client certificates are identities, as the API takes and shows it.
package struct AuthorityDocument: Hashable, WireRequest {
  /// The public key of a certificate, and the name that its holder has.
  package struct Pin: Hashable, Codable, Sendable {
    package var name: String
    /// SHA-256 of the SubjectPublicKeyInfo, 64 hexadecimal digits.
    package var spkiSHA256: String

    enum CodingKeys: String, CodingKey, CaseIterable {
      case name
      case spkiSHA256 = "spki_sha256"
    }

    package init(name: String, spkiSHA256: String) {
      self.name = name
      self.spkiSHA256 = spkiSHA256
    }

    package init(from decoder: any Decoder) throws {
      try decoder.refuseFields(except: CodingKeys.allCases.map(\.rawValue))
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      name = try fields.decode(String.self, forKey: .name)
      spkiSHA256 = try fields.decode(String.self, forKey: .spkiSHA256)
    }
  }

  /// The name by which policy calls the authority.
  package var name: String?
  /// Its certificates, PEM; several when its certificate is being renewed.
  package var certificates: String
  /// Its revocation lists, PEM.
  package var revocationLists: String?
  /// Where the name of an identity comes from: `uri-san`, `dns-san` or `pinned`.
  package var identity: String
  /// The SPIFFE trust domain that every URI must be in.
  package var trustDomain: String?
  /// Patterns of the names that the authority may give; without them every name.
  package var names: [String]?
  /// The public keys that are identities, for `pinned`.
  package var pins: [Pin]?
  package var environment: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case certificates
    case revocationLists = "revocation_lists"
    case identity
    case trustDomain = "trust_domain"
    case names
    case pins
    case environment
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    name: String? = nil,
    certificates: String,
    revocationLists: String? = nil,
    identity: String,
    trustDomain: String? = nil,
    names: [String]? = nil,
    pins: [Pin]? = nil,
    environment: String? = nil
  ) {
    self.name = name
    self.certificates = certificates
    self.revocationLists = revocationLists
    self.identity = identity
    self.trustDomain = trustDomain
    self.names = names
    self.pins = pins
    self.environment = environment
  }

  package init(from decoder: any Decoder) throws {
    try decoder.refuseFields(except: Self.fieldNames)
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    name = try fields.decodeIfPresent(String.self, forKey: .name)
    certificates = try fields.decode(String.self, forKey: .certificates)
    revocationLists = try fields.decodeIfPresent(String.self, forKey: .revocationLists)
    identity = try fields.decode(String.self, forKey: .identity)
    trustDomain = try fields.decodeIfPresent(String.self, forKey: .trustDomain)
    names = try fields.decodeIfPresent([String].self, forKey: .names)
    pins = try fields.decodeIfPresent([Pin].self, forKey: .pins)
    environment = try fields.decodeIfPresent(String.self, forKey: .environment)
  }
}

/// A cluster as the API takes and shows it: who vouches for its workloads, nodes and API servers.
package struct ClusterDocument: Hashable, WireRequest {
  package var name: String?
  /// The environment of its identities, where an issuer or authority has none of its own.
  package var environment: String?
  /// The issuers of its JWTs; each has a `name`, which other clusters may use as well.
  package var issuers: [IssuerDocument]?
  /// The authorities of its certificates; each has a `name`, which other clusters may use as well.
  package var authorities: [AuthorityDocument]?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case environment
    case issuers
    case authorities
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    name: String? = nil,
    environment: String? = nil,
    issuers: [IssuerDocument]? = nil,
    authorities: [AuthorityDocument]? = nil
  ) {
    self.name = name
    self.environment = environment
    self.issuers = issuers
    self.authorities = authorities
  }
}
