/// The name of a secret: `project/name`, as `payments/db`.
///
/// Two segments, each 1 to 64 of `a-z 0-9 . _ -` and beginning with a letter or digit. Lower case
/// only, so that no two names differ by case alone; there is one spelling of each name, so that the
/// name that was authorized is the name that is opened.
package struct SecretName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let project: String
  package let name: String

  /// Parses `text`, or says at which character it stops being a name.
  package init(_ text: String) throws(SpellingError) {
    var reader = SpellingReader(text)
    try self.init(reading: &reader)
    guard reader.isAtEnd else { throw reader.failure("the end of the name") }
  }

  init(reading reader: inout SpellingReader) throws(SpellingError) {
    project = try reader.takeSegment("the project")
    guard reader.takes(UInt8(ascii: "/")) else {
      throw reader.failure("'/' and the name of the secret in its project")
    }
    name = try reader.takeSegment("the name of the secret")
  }

  package var description: String { project + "/" + name }

  package static func < (left: SecretName, right: SecretName) -> Bool {
    left.project == right.project ? left.name < right.name : left.project < right.project
  }
}

/// The name of one field of a secret: 1 to 64 of `a-z A-Z 0-9 . _ -`.
package struct FieldName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let description: String

  /// Parses `text`, or says at which character it stops being a name.
  package init(_ text: String) throws(SpellingError) {
    var reader = SpellingReader(text)
    try self.init(reading: &reader)
    guard reader.isAtEnd else { throw reader.failure("the end of the name") }
  }

  init(reading reader: inout SpellingReader) throws(SpellingError) {
    description = try reader.takeField("the field")
  }

  package static func < (left: FieldName, right: FieldName) -> Bool {
    left.description < right.description
  }
}

/// The name of an environment, as `prod-eu`: the shape of a ``RegistryName``.
package struct EnvironmentName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let description: String

  /// Parses `text`, or says at which character it stops being a name.
  package init(_ text: String) throws(SpellingError) {
    var reader = SpellingReader(text)
    description = try reader.takeSegment("the environment")
    guard reader.isAtEnd else { throw reader.failure("the end of the name") }
  }

  package static func < (left: EnvironmentName, right: EnvironmentName) -> Bool {
    left.description < right.description
  }
}
