package import NIOCore
import NIOHPACK
import NIOHTTP2

/// A method as a client calls it: its request headers, built once.
package struct GRPCClientMethod: Sendable {
  let headers: HTTP2Frame.FramePayload
  let timeout: TimeAmount

  /// - Parameters:
  ///   - path: such as `/v2.KeyManagementService/Status`.
  ///   - timeout: sent as `grpc-timeout` and kept here as well.
  ///   - authority: what goes into `:authority`; gRPC servers on Unix sockets expect `localhost`.
  package init(path: String, timeout: TimeAmount, authority: String = "localhost") {
    self.timeout = timeout
    headers = .headers(
      .init(headers: [
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": authority,
        "content-type": "application/grpc",
        "te": "trailers",
        "user-agent": "keyward",
        "grpc-timeout": GRPCTimeout.format(timeout),
      ])
    )
  }
}
