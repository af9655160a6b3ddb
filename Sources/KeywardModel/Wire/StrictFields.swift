/// A coding key for any name, for looking at the names that a JSON object has.
package struct AnyFieldName: CodingKey {
  package let stringValue: String
  package var intValue: Int? { nil }

  package init?(stringValue: String) { self.stringValue = stringValue }
  package init?(intValue: Int) { nil }
}

extension Decoder {
  /// Refuses an object inside a body that has a field which `names` does not list.
  ///
  /// The outermost object is looked at by its reader; this is for the objects within.
  package func refuseFields(except names: [String]) throws {
    let fields = try container(keyedBy: AnyFieldName.self)
    for key in fields.allKeys where !names.contains(where: { $0 == key.stringValue }) {
      throw DecodingError.dataCorrupted(
        .init(codingPath: codingPath, debugDescription: "unknown field")
      )
    }
  }
}
