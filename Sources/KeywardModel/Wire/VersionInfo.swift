/// What `GET /api/v1/version` answers, to anybody.
package struct VersionInfo: Hashable, Sendable, Codable {
  /// The version of the server.
  package let version: String
  /// The version of the API: the `v1` of its paths.
  package let api: String

  package init(version: String, api: String = "v1") {
    self.version = version
    self.api = api
  }
}
