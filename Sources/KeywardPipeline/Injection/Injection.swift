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
    guard !Self.isCommanding(text) else {
      throw PipelineError(
        .input,
        "\(text) decides which programs run; no secret goes there.",
        remedy: "Use another name."
      )
    }
    description = text
  }

  /// Whether loaders, shells or interpreters take from the variable what they run or load.
  static func isCommanding(_ name: String) -> Bool {
    name.hasPrefix("LD_") || name.hasPrefix("DYLD_") || commanding.contains(name)
  }

  /// Whether the variable tells programs whom to talk to, whom to trust or where their files are.
  ///
  /// A caller may name one; the name of a field, which whoever writes the secret chooses, may not
  /// become one.
  package static func isSteering(_ name: String) -> Bool {
    isCommanding(name) || steering.contains(name)
      || ["GIT_", "KEYWARD_", "PYTHON", "SSL_", "CURL_", "XDG_"].contains { name.hasPrefix($0) }
      || name.hasSuffix("_PROXY")
  }

  package static func < (left: VariableName, right: VariableName) -> Bool {
    left.description < right.description
  }

  private static let commanding: Set<String> = [
    "BASHOPTS", "BASH_ENV", "ENV", "IFS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "NODE_OPTIONS",
    "PATH", "PERL5LIB", "PERL5OPT", "PROMPT_COMMAND", "PS4", "PYTHONHOME", "PYTHONPATH",
    "PYTHONSTARTUP", "RUBYLIB", "RUBYOPT", "SHELLOPTS", "_JAVA_OPTIONS",
  ]
  private static let steering: Set<String> = [
    "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL", "BROWSER", "EDITOR", "HOME", "KUBECONFIG", "LOCPATH",
    "OPENSSL_CONF", "PAGER", "PWD", "REQUESTS_CA_BUNDLE", "SHELL", "SSH_ASKPASS", "SSLKEYLOGFILE",
    "TMPDIR", "VISUAL",
  ]
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
