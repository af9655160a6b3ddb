/// What `POST /api/v1/environments/NAME:write` takes, and how the API shows an environment.
package struct EnvironmentDocument: Hashable, WireRequest {
  package var name: String
  /// The environment that is looked in for what this one does not have.
  package var inherits: String?
  /// True for an environment that nobody may get by omission: it is used only if the request names
  /// it or the caller's identity has it as its own attribute.
  package var production: Bool
  /// At most 256 bytes.
  package var description: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case inherits
    case production
    case description
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    name: String,
    inherits: String? = nil,
    production: Bool,
    description: String? = nil
  ) {
    self.name = name
    self.inherits = inherits
    self.production = production
    self.description = description
  }
}

/// The environments that the caller may know of, in the order of their names.
package struct EnvironmentList: Hashable, Sendable, Codable {
  package let environments: [EnvironmentDocument]

  package init(environments: [EnvironmentDocument]) {
    self.environments = environments
  }
}
