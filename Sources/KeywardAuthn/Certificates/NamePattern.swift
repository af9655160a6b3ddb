/// A pattern of names: literal segments, `*` for one whole segment, and at the end `**` for the rest.
package struct NamePattern: Hashable, Sendable, CustomStringConvertible {
  /// What a name is made of.
  package enum Shape: Hashable, Sendable {
    /// Segments between `/`, compared as they are; `**` is last.
    case segments
    /// DNS labels between `.`, compared without regard to case; `**` is first.
    case labels
  }

  package let description: String
  private let shape: Shape
  /// The parts in the order of their weight: for DNS names from the right.
  private let parts: [Part]

  private enum Part: Hashable, Sendable {
    case literal(String)
    case one
    case rest
  }

  /// Takes a pattern of at most 256 bytes, else nil.
  package init?(_ text: String, _ shape: Shape) {
    guard FieldRules.isPlainText(text, atMost: 256) else { return nil }
    var parts: [Part] = []
    for piece in Self.pieces(text, shape) {
      guard parts.last != .rest else { return nil }
      switch piece {
      case "*": parts.append(.one)
      case "**": parts.append(.rest)
      default:
        guard !piece.utf8.contains(UInt8(ascii: "*")) else { return nil }
        parts.append(.literal(piece))
      }
    }
    self.parts = parts
    self.shape = shape
    description = text
  }

  /// Whether `name` is one of the names that the pattern stands for.
  package func matches(_ name: String) -> Bool {
    let pieces = Self.pieces(name, shape)
    for (index, part) in parts.enumerated() {
      switch part {
      case .rest: return pieces.count > index
      case .one: guard index < pieces.count, !pieces[index].isEmpty else { return false }
      case .literal(let text):
        guard index < pieces.count, pieces[index].utf8.elementsEqual(text.utf8) else {
          return false
        }
      }
    }
    return pieces.count == parts.count
  }

  private static func pieces(_ text: String, _ shape: Shape) -> [String] {
    switch shape {
    case .segments:
      text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    case .labels:
      text.lowercased().split(separator: ".", omittingEmptySubsequences: false).reversed()
        .map(String.init)
    }
  }
}
