/// An environment that was declared: `prod-eu`, which inherits from `prod`.
package struct Environment: Hashable, Sendable {
  package let name: EnvironmentName
  package let parent: EnvironmentName?
  package let isProduction: Bool
  package let words: String

  package static let longestWords = 256

  package init(
    name: EnvironmentName,
    parent: EnvironmentName?,
    isProduction: Bool,
    words: String = ""
  ) {
    self.name = name
    self.parent = parent
    self.isProduction = isProduction
    self.words = words
  }

  private static let label = "keyward/environment/1"

  /// The form in which the store keeps it.
  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(name.description)
    writer.add(parent?.description ?? "")
    writer.add(UInt64(isProduction ? 1 : 0))
    writer.add(words)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote; nil for anything else.
  package init?(decoding bytes: [UInt8]) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      let name = try reader.readText()
      let parent = try reader.readText()
      let production = try reader.readNumber()
      words = try reader.readText()
      try reader.finish()
      guard let name = try? EnvironmentName(name), production <= 1 else { return nil }
      self.name = name
      self.parent = try? EnvironmentName(parent)
      isProduction = production == 1
      guard parent.isEmpty == (self.parent == nil) else { return nil }
    } catch {
      return nil
    }
  }

  package var document: EnvironmentDocument {
    EnvironmentDocument(
      name: name.description,
      inherits: parent?.description,
      production: isProduction,
      description: words.isEmpty ? nil : words
    )
  }
}
