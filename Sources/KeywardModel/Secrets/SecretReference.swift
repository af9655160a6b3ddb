/// A reference to a secret: `kw://project/name#field`, with `?version=N` before the `#` to pin one.
///
/// It never names an environment: the same reference means the same thing in every pipeline, and
/// the environment comes from who asks. This is the one parser of references.
package struct SecretReference: Hashable, Sendable, CustomStringConvertible {
  /// What a reference may leave out.
  package enum Form: Sendable {
    /// One value: the field is required.
    case field
    /// `kw://project/name` too, which means all fields.
    case fieldOrWhole
  }

  package let secret: SecretName
  /// The version of the environment that the secret is found in; nil for its newest.
  package let version: Int?
  /// Nil for all fields.
  package let field: FieldName?

  package init(_ secret: SecretName, version: Int? = nil, field: FieldName?) {
    self.secret = secret
    self.version = version
    self.field = field
  }

  /// Parses `text`, or says at which character it stops being a reference.
  package init(_ text: String, form: Form = .field) throws(SpellingError) {
    var reader = SpellingReader(text)
    try reader.take("kw://", orExpect: "'kw://' at the start of a reference")
    secret = try SecretName(reading: &reader)
    guard reader.next != UInt8(ascii: "/") else {
      throw reader.failure("'?version=', '#' or the end after project and name")
    }
    if reader.takes(UInt8(ascii: "?")) {
      try reader.take("version=", orExpect: "'version=', the one thing to ask for")
      version = try reader.takeVersion()
    } else {
      version = nil
    }
    if reader.isAtEnd, form == .fieldOrWhole {
      field = nil
      return
    }
    guard reader.takes(UInt8(ascii: "#")) else {
      throw reader.failure("'#' and the name of a field")
    }
    field = try FieldName(reading: &reader)
    guard reader.isAtEnd else { throw reader.failure("the end of the reference") }
  }

  /// Whether `text` means to be a reference, well spelled or not.
  package static func isMeant(by text: some StringProtocol) -> Bool {
    text.utf8.starts(with: "kw://".utf8)
  }

  package var description: String {
    var text = "kw://" + secret.description
    if let version { text += "?version=\(version)" }
    if let field { text += "#" + field.description }
    return text
  }
}
