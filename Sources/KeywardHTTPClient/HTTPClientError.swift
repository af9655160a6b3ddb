/// Why an exchange gave no answer; an answer with an error status is no error here.
package enum HTTPClientError: Error, Equatable, Sendable {
  /// No connection: nobody listens, or the socket may not be opened.
  case unreachable(reason: String)
  case timedOut
  /// The connection ended before the answer did.
  case interrupted(reason: String)
  /// The answer is larger than the caller takes.
  case tooLarge(limit: Int)
  /// The peer's certificate or protocol was refused.
  case untrusted(reason: String)
  /// The descriptor for the answer could not be written.
  case output(reason: String)
  case outOfSecureMemory
  case failed(reason: String)
}
