package import NIOCore

/// The maxima of the HTTP server; `docs/reference/http-api.md` lists them.
package struct HTTPLimits: Sendable {
  /// Open connections; further ones are closed at once.
  package var connections = 1024
  /// Of them from one address, where there are addresses.
  package var connectionsPerAddress = 256
  /// Requests a second of one principal, and of one address; 0 for no limit.
  package var requestsPerPrincipal = 0
  package var requestsPerAddress = 0
  /// Requests whose handler runs; further ones are refused with 503.
  package var requestsInFlight = 128
  /// Request bodies in memory at one time, all connections together.
  package var bodyBytes = 32 << 20
  /// Bytes of the request line's target, and of one header field.
  package var headerFieldBytes = 8 << 10
  /// Bytes of all header fields.
  package var headerBytes = 16 << 10
  package var headerFields = 64
  /// From the connection, or a request's first byte, to the end of its headers.
  package var headTimeout = TimeAmount.seconds(10)
  /// From the end of the headers to the end of the body.
  package var bodyTimeout = TimeAmount.seconds(20)
  /// Between two requests of a connection.
  package var idleTimeout = TimeAmount.seconds(60)
  /// For the client to take an answer, or one piece of a streamed one.
  package var writeTimeout = TimeAmount.seconds(30)
  /// Bytes and time that are read and dropped after an early refusal, so that a client that is
  /// still sending gets to read it.
  package var lingerBytes = 1 << 20
  package var lingerTimeout = TimeAmount.seconds(2)

  package init() {}
}
