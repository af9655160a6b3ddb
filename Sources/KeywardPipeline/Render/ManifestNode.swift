/// A node of a manifest, YAML or JSON, with the bytes at which it stands.
///
/// A class, because an alias is the node that it refers to: copies of copies would grow without bound.
final class ManifestNode: Sendable {
  enum Style: Equatable, Sendable {
    case plain
    case singleQuoted
    case doubleQuoted
    case literal
    case folded
    case json
  }

  enum Content: Sendable {
    case scalar(String, Style)
    case mapping([(key: ManifestNode, value: ManifestNode)])
    case sequence([ManifestNode])
  }

  let content: Content
  /// The first byte, before a tag or an anchor.
  let offset: Int
  let line: Int
  let column: Int
  /// Whether it has the tag `!!binary`.
  let isBinary: Bool
  /// Only such a node can be reached twice.
  let isAnchored: Bool
  /// The bytes of a JSON string with its quotes; YAML does not tell ends.
  let end: Int?

  init(
    _ content: Content,
    offset: Int,
    line: Int,
    column: Int,
    isBinary: Bool = false,
    isAnchored: Bool = false,
    end: Int? = nil
  ) {
    self.content = content
    self.offset = offset
    self.line = line
    self.column = column
    self.isBinary = isBinary
    self.isAnchored = isAnchored
    self.end = end
  }

  var text: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  var members: [(key: ManifestNode, value: ManifestNode)]? {
    if case .mapping(let members) = content { members } else { nil }
  }

  subscript(key: String) -> ManifestNode? {
    members?.first { $0.key.text.map { $0.utf8.elementsEqual(key.utf8) } ?? false }?.value
  }
}
