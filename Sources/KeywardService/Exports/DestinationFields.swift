import KeywardExport
import KeywardModel

/// Which fields a destination of a provider has.
struct DestinationFields {
  typealias Field = DestinationDocument.CodingKeys

  let required: [Field]
  let optional: [Field]
  /// Whether the provider is wherever its user runs it.
  let hasOwnEndpoint: Bool

  /// Where its credentials can be.
  private(set) var credentials = ["environment"]

  private static let general: [Field] = [.description, .credentials, .authorities]

  init(_ provider: ExportProvider) {
    switch provider {
    case .aws: self.init([.region], [.account, .endpoint])
    case .azure, .azureManagedHSM: self.init([.tenant, .vault], [.kek, .endpoint])
    case .google: self.init([.project, .location, .keyRing], [.protection, .endpoint])
    case .openbao, .vault:
      self.init([.endpoint], [.mount, .namespace], hasOwnEndpoint: true)
    case .oci:
      self.init([.endpoint, .compartment], [.region, .protection], hasOwnEndpoint: true)
    case .ibm, .hpcs:
      self.init([.instance], [.account, .region, .endpoint], hasOwnEndpoint: true)
    case .alibaba, .tencent: self.init([.region], [.account, .endpoint])
    }
    switch provider {
    case .aws: credentials.append("profile")
    case .google, .openbao, .vault: credentials.append("file")
    default: break
    }
  }

  private init(_ required: [Field], _ optional: [Field], hasOwnEndpoint: Bool = false) {
    self.required = required
    self.optional = optional + Self.general
    self.hasOwnEndpoint = hasOwnEndpoint
  }

  var known: Set<Field> { Set(required + optional) }

  var words: String { (required + optional).map(\.rawValue).joined(separator: ", ") }
}

extension DestinationDocument.CodingKeys {
  /// Refuses what cannot be part of a URL or a file name.
  func check(_ text: String) throws(ServiceError) {
    let isFit =
      switch self {
      case .description: text.utf8.count <= 256 && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
      case .endpoint: Self.isEndpoint(text)
      case .authorities:
        text.hasPrefix("-----BEGIN CERTIFICATE-----") && text.utf8.count <= 1 << 16
          && text.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x0a || $0 == 0x0d }
      case .credentials:
        text == "environment"
          || text.hasPrefix("profile:") && Self.isSegment(String(text.dropFirst(8)))
          || text.hasPrefix("file:") && Self.isSegment(String(text.dropFirst(5)))
      case .protection: ["software", "hsm"].contains(text)
      case .vault: Self.isLabel(text, 24)
      case .region: Self.isLabel(text, 32)
      case .mount, .namespace:
        text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
          Self.isSegment(String($0))
        }
      case .instance, .account, .compartment: Self.isPrintable(text, 256)
      default: Self.isSegment(text)
      }
    guard isFit else {
      throw ServiceError(
        .invalidRequest,
        "'\(rawValue)' is not of its form.",
        remedy: remedy
      )
    }
  }

  private var remedy: String? {
    switch self {
    case .endpoint: "Give https://host[:port] without a path."
    case .credentials: "Give environment, profile:NAME or file:NAME; never a secret."
    case .authorities: "Give certificates in PEM."
    case .protection: "Use software or hsm."
    case .vault: "Give the vault's name alone: letters, digits and '-', no address."
    case .region: "Give it as eu-west-1: letters, digits and '-'."
    default: nil
    }
  }

  /// 1 to 128 letters, digits and `. _ - :`, and neither `.` nor `..`.
  private static func isSegment(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text != "." && text != ".."
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122, 45, 46, 58, 95: true
        default: false
        }
      }
  }

  /// One label of a host name: with a dot it could be another host.
  private static func isLabel(_ text: String, _ limit: Int) -> Bool {
    (2...limit).contains(text.utf8.count) && text.first != "-" && text.last != "-"
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122, 45: true
        default: false
        }
      }
  }

  private static func isPrintable(_ text: String, _ limit: Int) -> Bool {
    (1...limit).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
  }

  private static func isEndpoint(_ text: String) -> Bool {
    guard text.hasPrefix("https://"), text.utf8.count <= 512 else { return false }
    let rest = text.dropFirst(8)
    return !rest.isEmpty
      && rest.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122, 45, 46, 58, 91, 93: true
        default: false
        }
      }
  }
}

extension DestinationDocument {
  /// The fields with a text, by name; lists and numbers are apart.
  var texts: [CodingKeys: String] {
    var texts: [CodingKeys: String] = [:]
    for field in CodingKeys.allCases where field != .name && field != .provider {
      if let text = self[field] { texts[field] = text }
    }
    return texts
  }

  subscript(_ field: CodingKeys) -> String? {
    get {
      guard let path = Self.path(field) else { return nil }
      return self[keyPath: path]
    }
    set {
      guard let path = Self.path(field) else { return }
      self[keyPath: path] = newValue
    }
  }

  private static func path(_ field: CodingKeys) -> WritableKeyPath<DestinationDocument, String?>? {
    switch field {
    case .name: \.name
    case .description: \.description
    case .account: \.account
    case .region: \.region
    case .project: \.project
    case .location: \.location
    case .keyRing: \.keyRing
    case .protection: \.protection
    case .tenant: \.tenant
    case .vault: \.vault
    case .kek: \.kek
    case .compartment: \.compartment
    case .instance: \.instance
    case .endpoint: \.endpoint
    case .mount: \.mount
    case .namespace: \.namespace
    case .authorities: \.authorities
    case .credentials: \.credentials
    case .provider, .wrappingAlgorithms, .minimumRSABits, .pinnedKeys: nil
    }
  }
}
