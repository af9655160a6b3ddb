import KeywardModel

/// The client's name for one creation, by which a repeated request is told from a second one.
struct IdempotencyKey: Hashable, Sendable {
  let text: String

  /// 1 to 128 visible ASCII characters, else nil.
  init?(_ text: String) {
    guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    self.text = text
  }

  /// Reads `Idempotency-Key`; refused on routes that do not take it, so that no client relies on
  /// what is not there.
  static func read(_ fields: HeaderFields.Lines, for route: Route) throws(ServiceError) -> Self? {
    guard let field = fields.first else { return nil }
    guard route.isRepeatable else {
      throw ServiceError(
        .invalidRequest,
        "The route does not take an Idempotency-Key.",
        remedy: "Only requests that make something, and whose answer is no secret, can be repeated."
      )
    }
    guard fields.count == 1, let key = IdempotencyKey(field) else {
      throw ServiceError(
        .invalidRequest,
        "The Idempotency-Key is not 1 to 128 visible ASCII characters, once."
      )
    }
    return key
  }
}
