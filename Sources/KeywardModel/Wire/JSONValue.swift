/// A JSON value that `StrictJSON` has read.
package enum JSONValue: Sendable {
  case object(JSONObject)
  case array([JSONValue])
  case string(String)
  /// The number as it is written: what it means, and whether it fits, is the reader's to say.
  case number(String)
  case bool(Bool)
  case null

  /// The text of a string, nil for every other value.
  package var text: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  /// A whole number without fraction and exponent that fits; nil for every other value.
  package var integer: Int64? {
    guard case .number(let digits) = self, digits != "-0" else { return nil }
    return Int64(digits)
  }
}

/// The members of a JSON object, each name once.
///
/// Names are compared byte by byte: Swift's own comparison takes canonically equivalent names for one.
package struct JSONObject: Sendable {
  var members: [(name: [UInt8], value: JSONValue)] = []

  init() {}

  package subscript(name: String) -> JSONValue? {
    members.first { $0.name.elementsEqual(name.utf8) }?.value
  }

  package var count: Int { members.count }

  package var names: [String] { members.map { String(decoding: $0.name, as: UTF8.self) } }
}
