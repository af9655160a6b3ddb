/// Lines of secrets that say nothing: the boundaries of PEM, and what every kubeconfig has.
///
/// They would take the same words out of every output.
enum PublicLine {
  private static let known: [StaticString] = [
    "apiVersion: v1", "kind: Config", "clusters:", "- cluster:", "cluster:", "contexts:",
    "- context:", "context:", "users:", "preferences: {}", "current-context:",
    "apiVersion: client.authentication.k8s.io/v1",
    "apiVersion: client.authentication.k8s.io/v1beta1",
  ]

  static func isPublic(_ line: UnsafeRawBufferPointer) -> Bool {
    if line.starts(with: "-----BEGIN ".utf8) || line.starts(with: "-----END ".utf8) {
      return line.suffix(5).elementsEqual("-----".utf8) && line.count <= 72
    }
    return known.contains { text in
      text.withUTF8Buffer { $0.count == line.count && line.elementsEqual($0) }
    }
  }
}
