import NIOCore
import NIOHPACK

/// What the headers of a request say, or the error they are answered with.
struct GRPCRequestHead {
  var path = ""
  var timeout: TimeAmount?
  /// The `grpc-encoding` the client may compress with; nil or `identity` for none.
  var encoding: String?

  /// Reads request headers; any `:authority` is as good as another.
  ///
  /// Before Kubernetes 1.32 a kube-apiserver sent the socket's path as `:authority`.
  /// - Throws: `Rejection.http` for what is no gRPC at all, `Rejection.grpc` otherwise.
  init(_ headers: HPACKHeaders) throws(Rejection) {
    var isPost = false
    var isGRPC = false
    var isTimeoutMalformed = false
    for (name, value, _) in headers {
      switch name {
      case ":path": path = value
      case ":method": isPost = value == "POST"
      case "content-type": isGRPC = Self.isGRPC(value)
      case "grpc-timeout":
        timeout = GRPCTimeout.parse(value)
        isTimeoutMalformed = timeout == nil
      case "grpc-encoding": encoding = value
      default: ()
      }
    }
    guard isPost else { throw .http("405") }
    guard isGRPC else { throw .http("415") }
    guard !isTimeoutMalformed else {
      throw .grpc(GRPCStatus(.invalidArgument, "malformed grpc-timeout"))
    }
  }

  /// How a request is turned away before its message is read.
  enum Rejection: Error {
    /// An HTTP status, for a client that does not speak gRPC.
    case http(String)
    case grpc(GRPCStatus)
  }

  private static func isGRPC(_ contentType: String) -> Bool {
    let expected = "application/grpc"
    guard contentType.utf8.count > expected.utf8.count else { return contentType == expected }
    return contentType.hasPrefix(expected + "+proto") || contentType.hasPrefix(expected + ";")
  }
}
