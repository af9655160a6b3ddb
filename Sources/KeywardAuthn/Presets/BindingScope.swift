/// What a policy binding says about the identities of one issuer, in plain values.
package struct BindingScope: Hashable, Sendable {
  /// The pattern of the name: literal segments, `*` for one, `**` for the rest; nil for any name.
  package var name: String?
  /// The conditions with lists of allowed values, by attribute: `claim:repository`, `name`, and so on.
  ///
  /// Of several conditions on one attribute any one will do, since all must hold.
  package var allowed: [String: [String]]

  package init(name: String? = nil, allowed: [String: [String]] = [:]) {
    self.name = name
    self.allowed = allowed
  }
}

/// Whether a binding is narrow enough for the issuer that it names.
package enum Broadness: Hashable, Sendable {
  case narrow
  /// Taken, with a hint of what would be better.
  case advice(String)
  /// Not taken: the words say what is missing, and what to write.
  case tooBroad(String)
  /// Not taken: no identity of this issuer can ever match.
  case neverMatches(String)
}
