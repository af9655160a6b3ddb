import CKeywardShims

/// The address of a Unix socket: `unix:///run/keyward/kms.sock`, or abstract `unix:///@name`.
///
/// This is the form of a kube-apiserver's `endpoint`. An abstract socket has no file and no
/// permissions: only `SO_PEERCRED` tells who connects.
package enum UnixEndpoint: Sendable, Hashable {
  case path(String)
  case abstract(String)

  /// Reads `unix:///absolute/path` or `unix:///@name`.
  ///
  /// - Throws: `SystemError.Kind.invalid` with words for the operator.
  package init(parsing text: String) throws(SystemError) {
    let scheme = "unix://"
    guard text.hasPrefix(scheme) else {
      throw SystemError(
        .invalid,
        "\(text): expected unix:///path or unix:///@name"
      )
    }
    let rest = text.dropFirst(scheme.count)
    guard rest.hasPrefix("/") else {
      throw SystemError(
        .invalid,
        "\(text): the path after unix:// must be absolute, as in unix:///run/keyward/kms.sock"
      )
    }
    if rest.hasPrefix("/@") {
      try self.init(abstract: String(rest.dropFirst(2)))
    } else {
      try self.init(path: String(rest))
    }
  }

  /// An endpoint at an absolute path.
  package init(path: String) throws(SystemError) {
    guard path.hasPrefix("/"), !path.hasSuffix("/") else {
      throw SystemError(.invalid, "\(path): a socket needs an absolute path of a file")
    }
    self = .path(try Self.checked(path))
  }

  /// An endpoint in the abstract namespace, named without its leading `@`.
  package init(abstract name: String) throws(SystemError) {
    self = .abstract(try Self.checked(name))
  }

  private static func checked(_ name: String) throws(SystemError) -> String {
    let limit = kw_unix_name_limit()
    guard !name.isEmpty, name.utf8.count <= limit, !name.utf8.contains(0) else {
      throw SystemError(
        .invalid,
        "\(name): the name of a Unix socket has 1 to \(limit) bytes, none of them NUL"
      )
    }
    return name
  }

  /// The bare name and whether it is abstract, as the system calls want it.
  var name: (text: String, isAbstract: Bool) {
    switch self {
    case .path(let path): (path, false)
    case .abstract(let name): (name, true)
    }
  }
}

extension UnixEndpoint: CustomStringConvertible {
  package var description: String {
    switch self {
    case .path(let path): "unix://\(path)"
    case .abstract(let name): "unix:///@\(name)"
    }
  }
}
