import CKeywardShims
import Glibc

/// A program with arguments and environment, ready to be started.
///
/// Arguments are bytes: a file name need not be UTF-8.
package struct Program: ~Copyable {
  package let arguments: [[UInt8]]
  package let variables: ProcessVariables
  /// Descriptors that it gets under their own numbers.
  package var kept: [CInt] = []
  package var allowsCore = false
  /// What becomes its 0, 1 and 2; nil for ours.
  package var standard: (CInt?, CInt?, CInt?) = (nil, nil, nil)
  /// Where to look for a name without a slash.
  package let searchPath: [UInt8]

  /// `arguments` begins with the program's name.
  package init(
    arguments: [[UInt8]],
    variables: consuming ProcessVariables,
    searchPath: [UInt8]?
  ) {
    precondition(!arguments.isEmpty, "a program has a name")
    self.arguments = arguments
    self.variables = variables
    self.searchPath = searchPath ?? Array("/usr/local/bin:/usr/bin:/bin".utf8)
  }

  /// Starts it as a child in our process group.
  package borrowing func start() throws(LaunchError) -> CInt {
    var child: CInt = 0
    try call(endsWithParent: true) { kw_start(&$0, &child) }
    return child
  }

  /// Starts it in a session of its own on `terminal`; the leader of it writes `kw_report`s.
  package borrowing func start(onTerminal terminal: CInt, report: CInt) throws(LaunchError) -> CInt
  {
    var leader: CInt = 0
    try call(endsWithParent: true) { kw_start_in_session(&$0, terminal, report, &leader) }
    return leader
  }

  /// Becomes it; returns only by an error.
  package borrowing func replaceThisProcess() throws(LaunchError) {
    try call(endsWithParent: false) { kw_become(&$0) }
  }

  /// The paths to try, in the order of the search path.
  package borrowing func candidates() -> [[UInt8]] {
    let name = arguments[0]
    if name.contains(0x2f) { return [name] }
    return searchPath.split(separator: 0x3a, omittingEmptySubsequences: false).map { folder in
      // An empty entry is the current folder (POSIX).
      (folder.isEmpty ? [0x2e] : Array(folder)) + [0x2f] + name
    }
  }

  private borrowing func call(
    endsWithParent: Bool,
    _ body: (inout kw_program) -> CInt
  ) throws(LaunchError) {
    guard !arguments[0].isEmpty else { throw LaunchError(name: arguments[0], code: ENOENT) }
    kw_close_others_on_exec()
    let paths = CStrings(candidates())
    let words = CStrings(arguments)
    let shellWords = CStrings([Array("sh".utf8), []] + arguments.dropFirst())
    let kept = self.kept
    let (first, second, third) = standard
    let allowsCore = self.allowsCore
    let code = variables.withPointers { environment, block in
      kept.withUnsafeBufferPointer { kept in
        var program = kw_program()
        program.paths = paths.constantPointer
        program.arguments = words.constantMutablePointer
        program.shell_arguments = shellWords.pointer
        program.environment = environment
        program.environment_block = block.baseAddress
        program.environment_size = block.count
        program.standard = (first ?? -1, second ?? -1, third ?? -1)
        program.kept = kept.baseAddress
        program.kept_count = kept.count
        program.allows_core = allowsCore ? 1 : 0
        program.ends_with_parent = endsWithParent ? 1 : 0
        return body(&program)
      }
    }
    withExtendedLifetime((paths, words, shellWords)) {}
    guard code == 0 else { throw LaunchError(name: arguments[0], code: -code) }
  }
}

/// Why a program was not started.
package struct LaunchError: Error, Equatable, Sendable {
  package let name: String
  package let code: CInt

  package init(name: [UInt8], code: CInt) {
    self.name = String(decoding: name, as: UTF8.self)
    self.code = code
  }

  /// As shells have it: 127 not found, 126 found and not started.
  package var exitStatus: CInt {
    code == ENOENT || code == ENOTDIR ? 127 : 126
  }

  package var message: String {
    if code == ENOENT { return "'\(name)' is not found." }
    return "'\(name)' cannot be started: \(String(cString: strerror(code)))."
  }
}

/// Texts for C, freed with the value.
private final class CStrings {
  let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  /// C may put others in their places.
  private let originals: [UnsafeMutablePointer<CChar>?]

  init(_ texts: [[UInt8]]) {
    let pointer = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
      capacity: texts.count + 1
    )
    for (index, text) in texts.enumerated() {
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
      for (offset, byte) in text.enumerated() { copy[offset] = CChar(bitPattern: byte) }
      copy[text.count] = 0
      pointer.advanced(by: index).initialize(to: copy)
    }
    pointer.advanced(by: texts.count).initialize(to: nil)
    originals = (0..<texts.count).map { pointer[$0] }
    self.pointer = pointer
  }

  deinit {
    for original in originals { original?.deallocate() }
    pointer.deallocate()
  }

  var constantMutablePointer: UnsafePointer<UnsafeMutablePointer<CChar>?> {
    UnsafePointer(pointer)
  }

  var constantPointer: UnsafePointer<UnsafePointer<CChar>?> {
    UnsafeRawPointer(pointer).assumingMemoryBound(to: UnsafePointer<CChar>?.self)
  }
}
