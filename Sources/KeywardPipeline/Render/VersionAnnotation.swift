import KeywardModel

/// What says, in an object of Kubernetes, which versions it was filled with.
///
/// The value of `keyward.dev/versions` is the references with their versions, in order, separated by
/// spaces. References that the manifest pins are left out: they do not become stale.
package enum VersionAnnotation {
  package static let key = "keyward.dev/versions"
  /// Kubernetes bounds all annotations of an object together.
  static let longest = 200 << 10

  static func text(_ references: [SecretReference]) -> String {
    Set(references.map(\.description)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .joined(separator: " ")
  }

  static func parse(_ text: String) -> [SecretReference]? {
    var references: [SecretReference] = []
    for word in text.split(separator: " ") {
      guard let reference = try? SecretReference(String(word)), reference.version != nil else {
        return nil
      }
      references.append(reference)
    }
    return references
  }

  /// Where the annotation goes into an object of a YAML text, and what stands around it there.
  struct Insertion: Equatable, Sendable {
    let range: Range<Int>
    let before: String
    let after: String
  }

  static func insertion(
    into object: ManifestObject,
    in bytes: [UInt8],
    file: String
  ) throws(PipelineError) -> Insertion {
    func failure(_ node: ManifestNode) -> PipelineError {
      PipelineError(
        .input,
        at: .init(file: file, line: node.line, column: node.column),
        "The annotation \(key) cannot be put into this metadata.",
        remedy: "Write metadata and annotations as blocks without tags and aliases."
      )
    }
    guard let metadata = object.node["metadata"], let members = metadata.members,
      !metadata.isAnchored
    else { throw failure(object.node) }
    let quoted = "\"\(key)\": "
    guard let entry = members.first(where: { $0.key.text == "annotations" }) else {
      return try first(of: metadata, members, in: bytes, failure(metadata)) { indent in
        indent.map { "annotations:\n\($0)  \(quoted)" } ?? "annotations: {\(quoted)"
      }
    }
    let annotations = entry.value
    guard !annotations.isAnchored else { throw failure(annotations) }
    if let existing = annotations.members {
      if let own = existing.first(where: { $0.key.text == key }) {
        guard case .scalar(let text, let style) = own.value.content,
          let extent = ScalarExtent(of: own.value, text: text, style: style, in: bytes),
          extent.block == nil
        else { throw failure(own.value) }
        return Insertion(range: extent.range, before: "", after: "")
      }
      return try first(of: annotations, existing, in: bytes, failure(annotations)) { _ in quoted }
    }
    // `annotations:` with nothing behind it, as charts leave it.
    guard annotations.text == "" || annotations.text == "null" || annotations.text == "~",
      case .scalar(_, .plain) = annotations.content,
      let extent = ScalarExtent(
        of: entry.key,
        text: "annotations",
        style: style(entry.key),
        in: bytes
      ),
      extent.range.upperBound < bytes.count, bytes[extent.range.upperBound] == UInt8(ascii: ":")
    else { throw failure(annotations) }
    let colon = extent.range.upperBound + 1
    let rest = bytes[colon...].prefix { $0 == 0x20 }
    var end = colon
    if let text = annotations.text, !text.isEmpty,
      bytes[(colon + rest.count)...].starts(with: text.utf8)
    {
      end = colon + rest.count + text.utf8.count
    }
    return Insertion(range: colon..<end, before: " {\(quoted)", after: "}")
  }

  private static func style(_ node: ManifestNode) -> ManifestNode.Style {
    if case .scalar(_, let style) = node.content { style } else { .plain }
  }

  /// Before the first member of a mapping, block or flow; `head` is given the indent of a block.
  private static func first(
    of node: ManifestNode,
    _ members: [(key: ManifestNode, value: ManifestNode)],
    in bytes: [UInt8],
    _ failure: PipelineError,
    _ head: (String?) -> String
  ) throws(PipelineError) -> Insertion {
    guard node.offset < bytes.count else { throw failure }
    if bytes[node.offset] == UInt8(ascii: "{") {
      let open = node.offset + 1
      let text = head(nil)
      let closing = text.contains("{") ? "}" : ""
      return Insertion(
        range: open..<open,
        before: text,
        after: closing + (members.isEmpty ? "" : ", ")
      )
    }
    guard let key = members.first?.key, key.offset == node.offset,
      let start = bytes[..<key.offset].lastIndex(of: 0x0a),
      bytes[(start + 1)..<key.offset].allSatisfy({ $0 == 0x20 })
    else { throw failure }
    let indent = String(repeating: " ", count: key.offset - start - 1)
    return Insertion(range: key.offset..<key.offset, before: head(indent), after: "\n" + indent)
  }
}
