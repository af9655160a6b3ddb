import NIOHPACK
import NIOHTTP2

/// The header frames of responses; those of a success are built once.
///
/// Source: grpc/doc/PROTOCOL-HTTP2.md, "Responses".
enum GRPCResponseHeaders {
  static let ok = HTTP2Frame.FramePayload.headers(
    .init(headers: [":status": "200", "content-type": "application/grpc"])
  )

  static let okTrailers = HTTP2Frame.FramePayload.headers(
    .init(headers: ["grpc-status": "0"], endStream: true)
  )

  /// The whole answer of a call that failed.
  static func trailersOnly(_ status: GRPCStatus) -> HTTP2Frame.FramePayload {
    let headers: HPACKHeaders = [
      ":status": "200",
      "content-type": "application/grpc",
      "grpc-status": String(status.code.rawValue),
      "grpc-message": PercentEncoding.encode(status.message),
    ]
    return .headers(.init(headers: headers, endStream: true))
  }

  /// An answer to something that is not gRPC.
  static func plain(_ code: String) -> HTTP2Frame.FramePayload {
    .headers(.init(headers: [":status": code, "content-length": "0"], endStream: true))
  }
}
