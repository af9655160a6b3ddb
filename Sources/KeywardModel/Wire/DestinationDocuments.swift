/// A destination of exports, as the API takes and shows it: whose keys may be made there, and how.
///
/// It never holds a secret: `credentials` names where the server finds them.
package struct DestinationDocument: Hashable, WireRequest {
  package var name: String?
  /// `aws`, `azure`, `azure-managed-hsm`, `google`, `openbao`, `vault`, `oci`, `ibm-key-protect`,
  /// `ibm-hpcs`, `alibaba` or `tencent`.
  package var provider: String
  package var description: String?
  /// The account that keys must be in (AWS), or of the instance (IBM).
  package var account: String?
  package var region: String?
  package var project: String?
  package var location: String?
  package var keyRing: String?
  /// `software` or `hsm`.
  package var protection: String?
  package var tenant: String?
  /// The name of an Azure vault or pool.
  package var vault: String?
  /// The name of an Azure key that wraps what is imported: RSA-HSM, with no operation but import.
  package var kek: String?
  package var compartment: String?
  package var instance: String?
  /// `https://host[:port]`, for providers that have no address of their own.
  package var endpoint: String?
  package var mount: String?
  package var namespace: String?
  /// PEM of the authorities to trust at the endpoint, in place of the system's.
  package var authorities: String?
  /// `environment`, `profile:NAME` or `file:NAME`, all of the server: a file is one of its folder of
  /// credentials, so that nobody can have it read another.
  package var credentials: String?
  /// The algorithms that may wrap for it; without them all that its rules allow.
  package var wrappingAlgorithms: [String]?
  /// The smallest RSA wrapping key, in bits; 3072 unless said otherwise.
  package var minimumRSABits: Int?
  /// SHA-256 of the SubjectPublicKeyInfo of wrapping keys that are trusted wherever they come from.
  package var pinnedKeys: [String]?

  package enum CodingKeys: String, CodingKey, CaseIterable, Sendable {
    case name
    case provider
    case description
    case account
    case region
    case project
    case location
    case keyRing = "key_ring"
    case protection
    case tenant
    case vault
    case kek
    case compartment
    case instance
    case endpoint
    case mount
    case namespace
    case authorities
    case credentials
    case wrappingAlgorithms = "wrapping_algorithms"
    case minimumRSABits = "minimum_rsa_bits"
    case pinnedKeys = "pinned_keys"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(name: String? = nil, provider: String) {
    self.name = name
    self.provider = provider
  }
}

/// A page of destinations in the order of their names.
package struct DestinationPage: Hashable, Sendable, Codable {
  package let destinations: [DestinationDocument]
  package let nextCursor: String?

  enum CodingKeys: String, CodingKey {
    case destinations
    case nextCursor = "next_cursor"
  }

  package init(destinations: [DestinationDocument], nextCursor: String?) {
    self.destinations = destinations
    self.nextCursor = nextCursor
  }
}
