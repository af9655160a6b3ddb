import KeywardModel
import NIOCore

/// All routes of the native API, and the look-up of one by method and path.
package enum RouteTable {
  /// Every route, in the order of the documentation.
  ///
  /// `schema/openapi.yaml` has the same.
  package static let all: [Route] =
    healthRoutes + operatorRoutes + keyRoutes + cryptoRoutes
    + environmentRoutes + secretRoutes + exportRoutes + policyRoutes + identityRoutes + auditRoutes
    + maintenanceRoutes

  static let keyPrefix = "/api/v1/keys/"

  /// What a method and a path lead to.
  enum Match {
    case route(Route, index: Int, nameText: String)
    case methodNotAllowed(allowed: [String])
    case notFound
  }

  private static let indexed = Dictionary(grouping: all.indices) { all[$0].pattern }

  /// What stands before the `{` of patterns with a name, longest first.
  private static let prefixes = Set(
    all.compactMap { route in
      route.pattern.firstIndex(of: "{").map { String(route.pattern[..<$0]) }
    }
  ).sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }

  /// Finds a route for a canonical path; a route that is not served at `door` is not there.
  static func match(method: String, path: String, door: Caller.Transport) -> Match {
    var nameText = ""
    var found = indexed[path]
    if found == nil, let prefix = prefixes.first(where: { path.utf8.starts(with: $0.utf8) }) {
      let rest = path.utf8.dropFirst(prefix.utf8.count)
      let name = rest.prefix { $0 != UInt8(ascii: ":") }
      // Names cannot hold ':', so the first one begins the action.
      nameText = String(Substring(name))
      found = indexed[prefix + "{name}" + Substring(rest[name.endIndex...])]
    }
    let candidates = (found ?? []).filter { index in
      door == .admin || all[index].exposure == .everywhere
    }
    guard !candidates.isEmpty else { return .notFound }
    for index in candidates where all[index].method.rawValue == method {
      return .route(all[index], index: index, nameText: nameText)
    }
    return .methodNotAllowed(allowed: candidates.map { all[$0].method.rawValue }.sorted())
  }

  // The sizes of bodies, in bytes.
  package static let jsonLimit = 64 << 10
  /// Plaintext, material, shares and passphrases.
  package static let secretLimit = 64 << 10
  /// A plaintext of the largest size with what its envelope adds.
  package static let ciphertextLimit = (64 << 10) + (1 << 10)
  /// Messages to sign and MAC; larger ones are hashed by the client (`prehashed`).
  package static let messageLimit = 1 << 20
  package static let contextLimit = 4 << 10

  static let quick = TimeAmount.seconds(10)
  /// For work that derives keys from passphrases, makes RSA keys or reads the whole store.
  static let slow = TimeAmount.seconds(120)
}
