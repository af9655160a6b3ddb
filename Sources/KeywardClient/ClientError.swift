package import KeywardModel

/// Why a call of the API gave no result.
package enum ClientError: Error, Sendable {
  /// Nobody answers at the address.
  case unreachable(address: String, reason: String)
  /// TLS could not be agreed on: the server's certificate is not trusted or not of its name, or the
  /// server refused the client's.
  case untrusted(address: String, reason: String)
  /// The server answered with an error.
  case refused(ProblemDocument)
  /// The connection ended, or time ran out, before the answer did: what was asked for may have
  /// happened.
  case interrupted(reason: String)
  /// The answer is none that this client understands.
  case unintelligible(reason: String)
  /// The answer could not be kept: no locked memory, or its file cannot be written.
  case output(reason: String)

  /// The server's code, if it gave one that this client knows.
  package var code: ErrorCode? {
    guard case .refused(let problem) = self else { return nil }
    return ErrorCode(rawValue: problem.code)
  }
}
