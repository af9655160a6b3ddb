package import KeywardCrypto
package import KeywardModel

/// Secret bytes of a request or an answer, in the arena from the socket to the service.
package typealias SecretBody = SecretBox

/// Bytes that anybody may see, and the key version that made them.
package struct PublicResult: Hashable, Sendable {
  package let bytes: [UInt8]
  package let version: Int

  package init(_ bytes: [UInt8], version: Int) {
    self.bytes = bytes
    self.version = version
  }
}

/// Secret bytes, and the key version that made them.
package struct SecretResult: Sendable {
  package let body: SecretBody
  package let version: Int

  package init(_ body: SecretBody, version: Int) {
    self.body = body
    self.version = version
  }
}

/// An answer of unknown length, pulled piece by piece as fast as the client reads.
package struct ChunkStream: Sendable {
  package typealias Failure = ServiceError

  /// A media type, as `application/octet-stream`.
  package let contentType: String
  /// The next piece, 1 byte to 1 MiB; nil at the end.
  ///
  /// An error cuts the connection, so that the
  /// client cannot take a part for the whole.
  package let next: @Sendable () async throws(Failure) -> [UInt8]?
  /// Called once when nothing more is pulled: at the end, or when the client went away.
  package let close: @Sendable () async -> Void

  package init(
    contentType: String,
    next: @escaping @Sendable () async throws(Failure) -> [UInt8]?,
    close: @escaping @Sendable () async -> Void = {}
  ) {
    self.contentType = contentType
    self.next = next
    self.close = close
  }
}
