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

  /// The routes of paths that have no name in them.
  private static let plain = Dictionary(
    grouping: all.indices.filter { !all[$0].pattern.contains(namePlace) }
  ) { all[$0].pattern }

  private static let namePlace = "{name}"

  /// The routes of paths with a name: by what stands before it, as `/api/v1/keys/`, and by what stands
  /// behind it, which is nothing or an action as `:rotate`.
  private static let families: [Substring: [Substring: [Int]]] = {
    var families: [Substring: [Substring: [Int]]] = [:]
    for index in all.indices {
      guard let place = all[index].pattern.firstRange(of: namePlace) else { continue }
      let pattern = all[index].pattern
      families[pattern[..<place.lowerBound], default: [:]][
        pattern[place.upperBound...],
        default: []
      ]
      .append(index)
    }
    return families
  }()

  /// How many slashes the longest beginning of a family has.
  private static let deepest = families.keys.map { $0.count { $0 == "/" } }.max() ?? 0

  /// Finds a route for a canonical path; a route that is not served at `door` is not there.
  static func match(method: String, path: String, door: Caller.Transport) -> Match {
    var nameText = ""
    var found = plain[path]
    if found == nil, let (start, family) = family(of: path) {
      // Names cannot hold ':', so the first one begins the action.
      let end = path.utf8[start...].firstIndex(of: UInt8(ascii: ":")) ?? path.endIndex
      nameText = String(path[start..<end])
      found = family[path[end...]]
    }
    var allowed: [String] = []
    for index in found ?? [] where door == .admin || all[index].exposure == .everywhere {
      let route = all[index]
      if route.method.rawValue == method { return .route(route, index: index, nameText: nameText) }
      allowed.append(route.method.rawValue)
    }
    return allowed.isEmpty ? .notFound : .methodNotAllowed(allowed: allowed.sorted())
  }

  /// The family with the longest beginning that the path has, and where the name starts.
  private static func family(
    of path: String
  ) -> (start: String.Index, routes: [Substring: [Int]])? {
    var start = path.startIndex
    var depth = 0
    while depth < deepest, let slash = path.utf8[start...].firstIndex(of: UInt8(ascii: "/")) {
      start = path.utf8.index(after: slash)
      depth += 1
    }
    while start > path.startIndex {
      if let routes = families[path[..<start]] { return (start, routes) }
      let before = path.utf8[..<path.utf8.index(before: start)]
      let slash = before.lastIndex(of: UInt8(ascii: "/"))
      start = slash.map { path.utf8.index(after: $0) } ?? path.startIndex
    }
    return nil
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
