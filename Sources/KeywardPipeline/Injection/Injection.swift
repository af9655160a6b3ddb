package import KeywardModel

/// One secret on its way into a process: the variable, what it refers to, and in which form.
package struct Injection: Sendable, Equatable {
  package enum Form: Sendable, Equatable {
    /// The value is the variable's.
    case variable
    /// A sealed file without a name; the variable has the path of its descriptor.
    case memfd
    /// A file on a file system in memory, in a folder of its own.
    case file
    /// A named pipe that gives the value so many times.
    case fifo(reads: Int)
  }

  package let name: VariableName
  package let reference: SecretReference
  package let form: Form
  /// Where it was asked for, for messages: `--set`, `keyward.yaml:7`, `the environment`.
  package let origin: String

  package init(
    name: VariableName,
    reference: SecretReference,
    form: Form,
    origin: String
  ) {
    self.name = name
    self.reference = reference
    self.form = form
    self.origin = origin
  }
}

/// The name of an environment variable that a secret may be put into.
///
/// Letters, digits and `_`, no digit first (POSIX). Not Keyward's own, and none that tells the
/// loader or the shell to run something else: a secret has no business there.
package struct VariableName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ text: String) throws(PipelineError) {
    guard let first = text.utf8.first, text.utf8.count <= 128, !(0x30...0x39).contains(first),
      text.utf8.allSatisfy({
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0 & 0xdf) || $0 == 0x5f
      })
    else {
      throw PipelineError(
        .input,
        "'\(text.printableASCII)' cannot be the name of a variable.",
        remedy: "Use letters, digits and '_', no digit first, at most 128."
      )
    }
    guard !InheritedEnvironment.isOwn(text.utf8) else {
      throw PipelineError(.input, "\(text) is a variable of Keyward itself; use another name.")
    }
    guard !text.hasPrefix("LD_"), !Self.commanding.contains(text) else {
      throw PipelineError(
        .input,
        "\(text) decides which programs run; no secret goes there.",
        remedy: "Use another name."
      )
    }
    description = text
  }

  package static func < (left: VariableName, right: VariableName) -> Bool {
    left.description < right.description
  }

  private static let commanding: Set<String> = ["PATH", "BASH_ENV", "ENV", "IFS", "SHELLOPTS"]
}

extension String {
  /// For messages about text that may be anything.
  var printableASCII: String {
    String(
      decoding: utf8.prefix(80).map { (0x20...0x7e).contains($0) ? $0 : 0x3f },
      as: UTF8.self
    )
  }
}
