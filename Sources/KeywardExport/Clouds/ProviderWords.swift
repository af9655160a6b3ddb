import KeywardModel

/// What a provider says, made fit to be shown, and the failures that all providers share.
enum ProviderWords {
  /// At most 200 printable ASCII characters: the words come from outside and go into logs.
  static func printable(_ text: String) -> String {
    let kept = text.utf8.prefix(200).map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
    return String(decoding: kept, as: UTF8.self)
  }

  /// The failure of a status that says nothing more.
  static func failure(
    _ status: Int,
    _ words: String,
    _ what: String,
    changes: Bool
  ) -> CloudFailure {
    let said = words.isEmpty ? "" : ": \(printable(words))"
    switch status {
    case 401:
      return CloudFailure(
        .credentialsRefused,
        "The provider refused the credentials when asked to \(what)\(said).",
        remedy: "Check the credentials of the destination, and the clock of this server."
      )
    case 403:
      return CloudFailure(
        .accessDenied,
        "The provider does not allow the credentials to \(what)\(said).",
        remedy: "The page of the provider in docs/key-export lists the permissions."
      )
    case 404 where !words.isEmpty:
      return CloudFailure(.notFound, "The provider does not know the key to \(what)\(said).")
    case 404:
      // Whoever stands at the address, these are not the provider's words for a key that is missing.
      return CloudFailure(
        .refused,
        "There is nothing at the address that was asked to \(what) (status 404).",
        remedy: "Check the address of the destination."
      )
    case 429:
      return CloudFailure(
        .throttled,
        "The provider asked to slow down when asked to \(what)\(said).",
        remedy: "Run it again later."
      )
    case 500...:
      return CloudFailure(
        .unavailable,
        "The provider failed (status \(status)) to \(what)\(said).",
        mayHaveActed: changes
      )
    default:
      return CloudFailure(
        .refused,
        "The provider refused (status \(status)) to \(what)\(said)."
      )
    }
  }

  /// The members of an answer, or the failure that it cannot be read.
  static func object(
    _ body: [UInt8],
    _ what: String,
    changes: Bool
  ) throws(CloudFailure) -> JSONObject {
    do throws(StrictJSON.Failure) {
      return try StrictJSON.object(body)
    } catch {
      throw unintelligible(what, "the JSON \(error.reason)", changes: changes)
    }
  }

  static func unintelligible(_ what: String, _ why: String, changes: Bool) -> CloudFailure {
    CloudFailure(
      .unintelligible,
      "The provider's answer to \(what) cannot be read: \(why).",
      mayHaveActed: changes
    )
  }
}

extension JSONObject {
  /// The object under `name`.
  func object(_ name: String) -> JSONObject? {
    if case .object(let object) = self[name] { return object }
    return nil
  }

  /// The array under `name`.
  func array(_ name: String) -> [JSONValue]? {
    if case .array(let values) = self[name] { return values }
    return nil
  }

  func flag(_ name: String) -> Bool? {
    if case .bool(let value) = self[name] { return value }
    return nil
  }
}
