/// Why a record of the identity registry is not taken; the words are public.
package struct AuthnError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong: one sentence with its period, which names the field.
  package let message: String
  /// What to do about it; nil when the message says it all.
  package let remedy: String?

  package init(_ message: String, remedy: String? = nil) {
    self.message = message
    self.remedy = remedy
  }

  package var description: String {
    guard let remedy else { return message }
    return message + " " + remedy
  }

  /// A stored record that does not read back.
  static func damaged(_ what: String) -> AuthnError {
    AuthnError("A stored \(what) cannot be read.")
  }
}
