import KeywardCrypto
package import KeywardModel

/// A registered authority whose client certificates are identities.
package struct AuthorityRecord: Hashable, Sendable {
  /// Where the name of an identity comes from.
  package enum NameSource: String, Hashable, Sendable, CaseIterable {
    /// The one URI among the subject alternative names (SPIFFE).
    case uriSAN = "uri-san"
    /// The one DNS name among the subject alternative names.
    case dnsSAN = "dns-san"
    /// The list of public keys in the record.
    case pinned
  }

  /// A public key that is an identity.
  package struct Pin: Hashable, Sendable {
    package let name: String
    /// SHA-256 of the DER SubjectPublicKeyInfo.
    package let spkiSHA256: [UInt8]
  }

  /// The name by which policy calls it.
  package let name: RegistryName
  /// DER, each of a certificate authority; several while a certificate is renewed.
  package let certificates: [[UInt8]]
  /// DER; when there is one, every certificate below needs a list of its issuer that is in force.
  package private(set) var revocationLists: [[UInt8]]
  package let nameSource: NameSource
  /// The SPIFFE trust domain that every URI must be in; nil when URIs need not be SPIFFE IDs.
  package let trustDomain: String?
  /// The names that it may give; empty for every name.
  package let names: [NamePattern]
  package let pins: [Pin]
  package let environment: String?

  /// Checks what the API was given; `path` is the name in the path of the request.
  package init(_ document: AuthorityDocument, path: RegistryName? = nil) throws(AuthnError) {
    name = try FieldRules.issuerName(document.name, path: path)
    certificates = try Self.certificates(document.certificates)
    revocationLists = try Self.revocationLists(document.revocationLists)
    guard let source = NameSource(rawValue: document.identity) else {
      throw AuthnError(
        "'identity' is unknown.",
        remedy: "Use one of: \(NameSource.allCases.map(\.rawValue).joined(separator: ", "))."
      )
    }
    nameSource = source
    trustDomain = try Self.trustDomain(document.trustDomain, source)
    names = try Self.patterns(document.names, source)
    pins = try Self.pins(document.pins, source)
    environment = try FieldRules.environment(document.environment)
  }

  /// The same without revocation lists.
  var withoutLists: AuthorityRecord {
    var record = self
    record.revocationLists = []
    return record
  }

  private static func certificates(_ text: String) throws(AuthnError) -> [[UInt8]] {
    guard let blocks = PEM.blocks(text, label: "CERTIFICATE"), (1...16).contains(blocks.count)
    else {
      throw AuthnError("'certificates' must be 1 to 16 PEM certificates and nothing else.")
    }
    for block in blocks {
      let certificate: Certificate
      do {
        certificate = try Certificate(der: block)
      } catch {
        throw AuthnError("'certificates' has one that cannot be read.")
      }
      guard certificate.isAuthority else {
        throw AuthnError(
          "'certificates' has one that is not of an authority.",
          remedy: "It needs basicConstraints CA:TRUE and, if it has keyUsage, keyCertSign."
        )
      }
    }
    guard Set(blocks).count == blocks.count else {
      throw AuthnError("'certificates' has one twice.")
    }
    return blocks
  }

  private static func revocationLists(_ text: String?) throws(AuthnError) -> [[UInt8]] {
    guard let text else { return [] }
    guard let blocks = PEM.blocks(text, label: "X509 CRL"), (1...16).contains(blocks.count) else {
      throw AuthnError("'revocation_lists' must be 1 to 16 PEM lists and nothing else.")
    }
    for block in blocks {
      do {
        _ = try RevocationList(der: block)
      } catch {
        throw AuthnError(
          "'revocation_lists' has one that is not taken.",
          remedy: "It must be a complete list of its issuer (no delta, no part) with nextUpdate."
        )
      }
    }
    return blocks
  }

  private static func trustDomain(
    _ text: String?,
    _ source: NameSource
  ) throws(AuthnError) -> String? {
    guard let text else { return nil }
    guard source == .uriSAN else {
      throw AuthnError("'trust_domain' is for the identity 'uri-san' alone.")
    }
    guard SPIFFEID.isTrustDomain(text) else {
      throw AuthnError(
        "'trust_domain' is not a trust domain.",
        remedy: "Use a-z, 0-9, '.', '_' and '-', such as prod.example.org."
      )
    }
    return text
  }

  private static func patterns(
    _ texts: [String]?,
    _ source: NameSource
  ) throws(AuthnError) -> [NamePattern] {
    guard let texts else { return [] }
    guard source != .pinned else {
      throw AuthnError("'names' is not for the identity 'pinned': its pins say the names.")
    }
    guard (1...64).contains(texts.count) else {
      throw AuthnError("'names' must have 1 to 64 members.", remedy: "Leave it out for every name.")
    }
    var patterns: [NamePattern] = []
    for text in texts {
      guard let pattern = NamePattern(text, source == .dnsSAN ? .labels : .segments) else {
        throw AuthnError(
          "'names' has a member that is not a pattern.",
          remedy: "Use a name in which a whole segment may be '*', and the last one '**'."
        )
      }
      patterns.append(pattern)
    }
    return patterns
  }

  private static func pins(
    _ pins: [AuthorityDocument.Pin]?,
    _ source: NameSource
  ) throws(AuthnError) -> [Pin] {
    guard source == .pinned else {
      guard pins == nil else { throw AuthnError("'pins' is for the identity 'pinned' alone.") }
      return []
    }
    guard let pins, (1...256).contains(pins.count) else {
      throw AuthnError("The identity 'pinned' needs 1 to 256 'pins'.")
    }
    var result: [Pin] = []
    for pin in pins {
      guard FieldRules.isPlainText(pin.name, atMost: FieldRules.longestName) else {
        throw AuthnError("'pins' has a 'name' that is not 1 to 256 bytes of plain text.")
      }
      guard let digest = Hex.decode(pin.spkiSHA256), digest.count == 32 else {
        throw AuthnError("'pins' has a 'spki_sha256' that is not 64 hexadecimal digits.")
      }
      guard !result.contains(where: { $0.spkiSHA256 == digest }) else {
        throw AuthnError("'pins' has a public key twice.")
      }
      result.append(Pin(name: pin.name, spkiSHA256: digest))
    }
    return result
  }
}

extension AuthorityRecord {
  /// The form that the API shows.
  package var document: AuthorityDocument {
    AuthorityDocument(
      name: name.description,
      certificates: certificates.map { PEM.text($0, label: "CERTIFICATE") }.joined(),
      revocationLists: revocationLists.isEmpty
        ? nil : revocationLists.map { PEM.text($0, label: "X509 CRL") }.joined(),
      identity: nameSource.rawValue,
      trustDomain: trustDomain,
      names: names.isEmpty ? nil : names.map(\.description),
      pins: pins.isEmpty
        ? nil : pins.map { .init(name: $0.name, spkiSHA256: Hex.encode($0.spkiSHA256)) },
      environment: environment
    )
  }

  private static let label = "keyward/authority/1"

  /// The form that the store keeps.
  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(name.description)
    writer.add(blobs: certificates)
    writer.add(blobs: revocationLists)
    writer.add(nameSource.rawValue)
    writer.add(optional: trustDomain)
    writer.add(list: names.map(\.description))
    writer.add(list: pins.map(\.name))
    writer.add(blobs: pins.map(\.spkiSHA256))
    writer.add(optional: environment)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote.
  package init(decoding bytes: [UInt8]) throws(AuthnError) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      name = try reader.readRegistryName()
      certificates = try reader.readBlobs()
      revocationLists = try reader.readBlobs()
      guard let source = NameSource(rawValue: try reader.readText()) else {
        throw AuthnError.damaged("authority")
      }
      nameSource = source
      trustDomain = try reader.readOptionalText()
      var patterns: [NamePattern] = []
      for text in try reader.readList() {
        guard let pattern = NamePattern(text, source == .dnsSAN ? .labels : .segments) else {
          throw AuthnError.damaged("authority")
        }
        patterns.append(pattern)
      }
      names = patterns
      let pinNames = try reader.readList()
      let digests = try reader.readBlobs()
      guard pinNames.count == digests.count else { throw AuthnError.damaged("authority") }
      pins = zip(pinNames, digests).map { Pin(name: $0, spkiSHA256: $1) }
      environment = try reader.readOptionalText()
      try reader.finish()
    } catch {
      throw .damaged("authority")
    }
  }
}
