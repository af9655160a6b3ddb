import Glibc

/// The environment of this process as bytes, in its order: names and values need not be UTF-8.
package struct InheritedEnvironment: Sendable {
  package struct Variable: Sendable, Equatable {
    package let name: [UInt8]
    package let value: [UInt8]

    package init(name: [UInt8], value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  package private(set) var variables: [Variable]

  /// Of several variables of one name the first counts, as for `getenv`.
  package init(_ variables: [Variable]) {
    var seen: Set<[UInt8]> = []
    self.variables = variables.filter { seen.insert($0.name).inserted }
  }

  /// That of this process.
  package static func current() -> InheritedEnvironment {
    var variables: [Variable] = []
    var next = environ
    while let entry = next.pointee {
      let text = UnsafeRawBufferPointer(start: entry, count: strlen(entry))
      if let equals = text.firstIndex(of: 0x3d) {
        variables.append(
          Variable(name: Array(text[..<equals]), value: Array(text[(equals + 1)...]))
        )
      }
      next += 1
    }
    return InheritedEnvironment(variables)
  }

  package subscript(name: String) -> [UInt8]? {
    variables.first { $0.name.elementsEqual(name.utf8) }?.value
  }

  /// Without the variables of Keyward itself: its token and its address are not the command's.
  package func withoutOwn() -> InheritedEnvironment {
    InheritedEnvironment(variables.filter { !Self.isOwn($0.name) })
  }

  /// Only the variables that every program expects, and those of `names`.
  package func cleaned(keeping names: [String]) -> InheritedEnvironment {
    let kept = Set((Self.essential + names).map { Array($0.utf8) })
    return InheritedEnvironment(variables.filter { kept.contains($0.name) })
  }

  package static func isOwn(_ name: some Collection<UInt8>) -> Bool {
    name.starts(with: "KEYWARD_".utf8)
  }

  private static let essential = [
    "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "TZ",
    "USER", "XDG_RUNTIME_DIR",
  ]
}
