import CKeywardShims
import Glibc
import KeywardCrypto
import KeywardSystem

/// Puts values where their process finds them.
package struct Injector: ~Copyable {
  private var variables: ProcessVariables
  /// Descriptors that the process must get.
  package private(set) var kept: [CInt] = []
  /// The folder of files and pipes, if there are any; it goes with the injector.
  package private(set) var folder: RuntimeFolder?

  /// Puts every value of `plan` in place.
  package init(
    _ plan: InjectionPlan,
    _ secrets: FetchedSecrets?,
    temporaryFolder: String?
  ) throws(PipelineError) {
    let runtimeDirectory = InheritedEnvironment.current()["XDG_RUNTIME_DIR"]
      .map { String(decoding: $0, as: UTF8.self) }
    var kept: [CInt] = []
    var folder: RuntimeFolder?
    do {
      var variables = try ProcessVariables()
      for variable in plan.inherited.variables { try variables.add(variable.name, variable.value) }
      for injection in plan.injections {
        guard let value = secrets?.value(of: injection.reference) else {
          throw PipelineError(.failed, "The server gave no value for \(injection.reference).")
        }
        let name = Array(injection.name.description.utf8)
        switch injection.form {
        case .variable:
          try value.bytes.withUnsafeBytes { bytes in
            guard !bytes.contains(0) else { throw Self.hasNUL(injection) }
            try variables.add(name, bytes)
          }
        case .memfd:
          let descriptor = try Self.memfd(injection.name.description, value)
          kept.append(descriptor)
          try variables.add(name, Array("/proc/self/fd/\(descriptor)".utf8))
        case .file, .fifo:
          let place: RuntimeFolder
          if let folder {
            place = folder
          } else {
            place = try RuntimeFolder(in: temporaryFolder, runtimeDirectory: runtimeDirectory)
            folder = place
          }
          let path =
            if case .fifo(let reads) = injection.form {
              try place.addPipe(injection.name.description, value, reads: reads)
            } else {
              try place.addFile(injection.name.description, value.bytes)
            }
          try variables.add(name, Array(path.utf8))
        }
      }
      self.variables = variables
      self.kept = kept
      self.folder = folder
    } catch let error as PipelineError {
      throw error
    } catch let error as SystemError {
      throw PipelineError(.failed, error.message + ".")
    } catch {
      throw .outOfSecureMemory
    }
  }

  /// The environment of the process, and the injector's end.
  package consuming func takeVariables() -> ProcessVariables { variables }

  private static func memfd(_ name: String, _ value: SecretBox) throws -> CInt {
    let made = value.bytes.withUnsafeBytes { kw_sealed_memfd(name, $0.baseAddress, $0.count) }
    guard made >= 0 else { throw SystemError(cannot: "make a memfd", code: -made) }
    // Out of the way of the numbers that shells and scripts use for their own.
    let descriptor = fcntl(made, F_DUPFD_CLOEXEC, 64)
    let code = errno
    close(made)
    guard descriptor >= 0 else { throw SystemError(cannot: "keep a memfd", code: code) }
    kw_lock_contents(descriptor, value.bytes.count)
    return descriptor
  }

  private static func hasNUL(_ injection: Injection) -> PipelineError {
    PipelineError(
      .value,
      "The value of \(injection.name) holds a NUL byte, which no variable can.",
      remedy: "Give it as a file: --file \(injection.name)=\(injection.reference)"
    )
  }
}
