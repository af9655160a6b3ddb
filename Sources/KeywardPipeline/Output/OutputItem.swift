package import KeywardCrypto

/// A value under the name that the output gives it.
package struct OutputItem: Sendable {
  package let name: String
  package let value: SecretBox

  package init(name: String, value: SecretBox) {
    self.name = name
    self.value = value
  }
}

/// What a form makes of values, still in the arena.
package struct OutputText: Sendable {
  /// For standard output, or the file that `--out` names.
  package var standard: SecretBox
  /// For the file that the platform reads variables from; nil where there is none.
  package var variables: SecretBox?
}

/// What a Kubernetes Secret is called; its keys come from the items.
package struct KubernetesSecretHead: Sendable {
  package var name: String
  package var namespace: String?
  package var type: String

  /// Takes names of DNS-1123 subdomains and labels, else the error says what is wrong.
  package init(
    name: String,
    namespace: String? = nil,
    type: String = "Opaque"
  ) throws(PipelineError) {
    guard Self.isSubdomain(name) else {
      throw PipelineError(
        .input,
        "'\(PipelineText.shown(name))' is no name of a Kubernetes object.",
        remedy: "Take at most 253 of a-z 0-9 - and ., a letter or digit at each end."
      )
    }
    if let namespace {
      guard namespace.utf8.count <= 63, !namespace.utf8.contains(0x2e), Self.isSubdomain(namespace)
      else {
        throw PipelineError(
          .input,
          "'\(PipelineText.shown(namespace))' is no name of a Kubernetes namespace."
        )
      }
    }
    guard (1...253).contains(type.utf8.count),
      type.utf8.allSatisfy({ ValueForm.isWord($0) || "-./".utf8.contains($0) })
    else {
      throw PipelineError(
        .input,
        "'\(PipelineText.shown(type))' is no type of a Kubernetes Secret."
      )
    }
    self.name = name
    self.namespace = namespace
    self.type = type
  }

  private static func isSubdomain(_ text: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool {
      (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
    }
    return (1...253).contains(text.utf8.count)
      && text.utf8.split(separator: 0x2e, omittingEmptySubsequences: false).allSatisfy { label in
        guard let first = label.first, let last = label.last else { return false }
        return isLetter(first) && isLetter(last) && label.allSatisfy { isLetter($0) || $0 == 0x2d }
      }
  }
}
