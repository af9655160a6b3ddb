package import KeywardModel

/// Where the keys of an issuer come from.
package enum KeySource: Hashable, Sendable {
  /// The text of a JSON Web Key Set, kept in the record.
  case pinned([UInt8])
  /// An https URL of a JSON Web Key Set.
  case url(String)
  /// The document that the issuer's own URL leads to (OpenID Connect Discovery 1.0 §4).
  case discovery
}

/// A registered issuer of JWTs.
package struct IssuerRecord: Hashable, Sendable {
  /// The name by which policy calls it.
  package let name: RegistryName
  package let preset: Preset
  /// Exactly the `iss` of its tokens.
  package let url: String
  /// The audiences that its tokens are for; never empty (V01).
  package let audiences: [String]
  package let keySource: KeySource
  /// The environment of all its identities, before one from a claim.
  package let environment: String?
  /// Claims that are taken over besides those of the preset.
  package let claims: [String]
  /// The trust domain that every `sub` must be in, for ``Preset/spiffe``; nil for the others.
  package let trustDomain: String?
  /// Seconds from `iat` to `exp` at most.
  package let maximumLifetime: Int64
  /// Whether each token is taken once, by its `jti`.
  package let isSingleUse: Bool

  package static let defaultLifetime: Int64 = 86_400
  package static let longestLifetime: Int64 = 366 * 86_400

  /// Checks what the API was given; `path` is the name in the path of the request.
  package init(_ document: IssuerDocument, path: RegistryName? = nil) throws(AuthnError) {
    name = try FieldRules.issuerName(document.name, path: path)
    guard let preset = Preset(rawValue: document.preset) else {
      throw AuthnError(
        "'preset' is unknown.",
        remedy: "Use one of: \(Preset.allCases.map(\.rawValue).joined(separator: ", "))."
      )
    }
    self.preset = preset
    guard FieldRules.isPlainHTTPS(document.url) else {
      throw AuthnError(
        "'url' must be an https URL without user, query and fragment.",
        remedy: "Give exactly what the tokens have in 'iss'."
      )
    }
    url = document.url
    audiences = try Self.audiences(document.audiences)
    keySource = try Self.keySource(document)
    environment = try FieldRules.environment(document.environment)
    claims = try preset.extraClaims(document.claims ?? [])
    trustDomain = try Self.trustDomain(document.trustDomain, of: preset)
    maximumLifetime = try FieldRules.positive(
      document.maximumLifetime,
      "maximum_lifetime",
      atMost: Self.longestLifetime,
      default: Self.defaultLifetime
    )
    isSingleUse = document.singleUse ?? false
  }

  private static func audiences(_ audiences: [String]) throws(AuthnError) -> [String] {
    guard (1...16).contains(audiences.count) else {
      throw AuthnError(
        "'audiences' must have 1 to 16 members.",
        remedy:
          "Name what the tokens have in 'aud': a token without a bound audience is for anybody."
      )
    }
    guard Set(audiences).count == audiences.count else {
      throw AuthnError("'audiences' has a member twice.")
    }
    guard audiences.allSatisfy({ FieldRules.isPlainText($0, atMost: 256) }) else {
      throw AuthnError("'audiences' has a member that is not 1 to 256 bytes of plain text.")
    }
    return audiences
  }

  private static func keySource(_ document: IssuerDocument) throws(AuthnError) -> KeySource {
    let wantsDiscovery = document.discovery ?? false
    switch (document.keySet, document.keySetURL, wantsDiscovery) {
    case (let text?, nil, false):
      let bytes = Array(text.utf8)
      do {
        _ = try JSONWebKeySet(bytes)
      } catch {
        throw AuthnError("'key_set' \(error.reason).")
      }
      return .pinned(bytes)
    case (nil, let url?, false):
      guard FieldRules.isPlainHTTPS(url) else {
        throw AuthnError("'key_set_url' must be an https URL without user, query and fragment.")
      }
      return .url(url)
    case (nil, nil, true):
      return .discovery
    default:
      throw AuthnError(
        "An issuer needs just one of 'key_set', 'key_set_url' and 'discovery'."
      )
    }
  }

  private static func trustDomain(
    _ text: String?,
    of preset: Preset
  ) throws(AuthnError) -> String? {
    guard preset == .spiffe else {
      guard text == nil else {
        throw AuthnError("'trust_domain' is for the preset 'spiffe' alone.")
      }
      return nil
    }
    guard let text else { throw AuthnError("The preset 'spiffe' needs 'trust_domain'.") }
    guard SPIFFEID.isTrustDomain(text) else {
      throw AuthnError(
        "'trust_domain' is not a trust domain.",
        remedy: "Use a-z, 0-9, '.', '_' and '-', such as prod.example.org."
      )
    }
    return text
  }
}

extension IssuerRecord {
  /// The form that the API shows.
  package var document: IssuerDocument {
    var document = IssuerDocument(
      name: name.description,
      preset: preset.rawValue,
      url: url,
      audiences: audiences,
      environment: environment,
      claims: claims.isEmpty ? nil : claims,
      trustDomain: trustDomain,
      maximumLifetime: maximumLifetime,
      singleUse: isSingleUse
    )
    switch keySource {
    case .pinned(let bytes): document.keySet = String(decoding: bytes, as: UTF8.self)
    case .url(let url): document.keySetURL = url
    case .discovery: document.discovery = true
    }
    return document
  }

  private static let label = "keyward/issuer/1"

  /// The form that the store keeps.
  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(name.description)
    writer.add(preset.rawValue)
    writer.add(url)
    writer.add(list: audiences)
    switch keySource {
    case .pinned(let bytes):
      writer.add("pinned")
      writer.add(bytes)
    case .url(let url):
      writer.add("url")
      writer.add(url)
    case .discovery:
      writer.add("discovery")
      writer.add("")
    }
    writer.add(optional: environment)
    writer.add(list: claims)
    writer.add(optional: trustDomain)
    writer.add(maximumLifetime)
    writer.add(flag: isSingleUse)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote.
  package init(decoding bytes: [UInt8]) throws(AuthnError) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      name = try reader.readRegistryName()
      guard let preset = Preset(rawValue: try reader.readText()) else {
        throw AuthnError.damaged("issuer")
      }
      self.preset = preset
      url = try reader.readText()
      audiences = try reader.readList()
      let source = try reader.readText()
      let value = try reader.readBytes()
      switch source {
      case "pinned": keySource = .pinned(value)
      case "url": keySource = .url(String(decoding: value, as: UTF8.self))
      case "discovery": keySource = .discovery
      default: throw AuthnError.damaged("issuer")
      }
      environment = try reader.readOptionalText()
      claims = try reader.readList()
      trustDomain = try reader.readOptionalText()
      maximumLifetime = try reader.readSigned()
      isSingleUse = try reader.readFlag()
      try reader.finish()
    } catch {
      throw .damaged("issuer")
    }
    guard !audiences.isEmpty else { throw .damaged("issuer") }
  }
}
