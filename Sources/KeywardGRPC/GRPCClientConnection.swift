import NIOCore
import NIOHPACK
import NIOHTTP2

/// All calls of one client connection: HTTP/2 frames out, frames in, no channel per stream.
///
/// Unchecked: confined to its event loop; `GRPCClient` hops there before it calls.
final class GRPCClientConnection: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  private struct Pending {
    let completion: GRPCClient.Completion
    let expires: NIODeadline
    var received: ByteBuffer?
    var httpStatus: String?
  }

  private let largestResponse: Int
  private var context: ChannelHandlerContext?
  private var calls: [Int32: Pending] = [:]
  private var nextStreamID: Int32 = 1
  private var isReading = false
  private var needsFlush = false
  private var isGoingAway = false
  private var timer = ExpiryTimer()

  init(largestResponse: Int) {
    self.largestResponse = largestResponse
  }

  // MARK: Calls

  func start(
    _ method: GRPCClientMethod,
    _ message: GRPCMessage,
    _ completion: @escaping GRPCClient.Completion
  ) {
    guard let context, context.channel.isActive, !isGoingAway, nextStreamID < .max - 2 else {
      message.wipe()
      return completion(.failure(GRPCStatus(.unavailable, "the connection is closed")))
    }
    let id = nextStreamID
    nextStreamID += 2
    let expires = NIODeadline.now() + method.timeout
    calls[id] = Pending(completion: completion, expires: expires)
    timer.note(expires)
    let streamID = HTTP2StreamID(id)
    send(method.headers, on: streamID)
    let body = HTTP2Frame.FramePayload.data(
      .init(data: .byteBuffer(message.framed), endStream: true)
    )
    guard message.isSecret else { return send(body, on: streamID) }
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.whenComplete { _ in message.wipe() }
    send(body, on: streamID, promise: written)
  }

  func flushUnlessReading() {
    guard !isReading, let context else { return }
    armTimer(context)
    flushIfNeeded()
  }

  private func finish(_ id: Int32, _ result: Result<ByteBuffer, GRPCStatus>) {
    guard let call = calls.removeValue(forKey: id) else { return }
    call.completion(result)
    call.received?.wipeReadableBytes()
  }

  private func flushIfNeeded() {
    guard needsFlush, let context else { return }
    needsFlush = false
    context.flush()
  }

  private func send(
    _ payload: HTTP2Frame.FramePayload,
    on streamID: HTTP2StreamID,
    promise: EventLoopPromise<Void>? = nil
  ) {
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    needsFlush = true
    context.write(
      wrapOutboundOut(HTTP2Frame(streamID: streamID, payload: payload)),
      promise: promise
    )
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    failAll()
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer.cancel()
    failAll()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    let frame = unwrapInboundIn(data)
    let id = Int32(frame.streamID)
    switch frame.payload {
    case .headers(let headers):
      receive(headers, id)
    case .data(let data):
      receive(data, id)
    case .rstStream(let code):
      finish(id, .failure(Self.status(for: code)))
    case .goAway(let last, _, _):
      isGoingAway = true
      for id in calls.keys.filter({ $0 > Int32(last) }) {
        finish(id, .failure(GRPCStatus(.unavailable, "the server is going away")))
      }
    default:
      ()
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    armTimer(context)
    flushIfNeeded()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let event = event as? NIOHTTP2WindowUpdatedEvent, let size = event.inboundWindowSize,
      size < HTTP2Tuning.windowLowWater,
      event.streamID == .rootStream || calls[Int32(event.streamID)] != nil
    else { return }
    send(.windowUpdate(windowSizeIncrement: HTTP2Tuning.fullWindow - size), on: event.streamID)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? NIOHTTP2Errors.StreamError {
      finish(
        Int32(error.streamID),
        .failure(GRPCStatus(.internal, "the response broke HTTP/2"))
      )
      return
    }
    context.close(promise: nil)
  }

  // MARK: Responses

  private func receive(_ headers: HTTP2Frame.FramePayload.Headers, _ id: Int32) {
    if headers.endStream {
      let status = calls[id]?.httpStatus
      return end(id, headers.headers, status)
    }
    calls[id]?.httpStatus = headers.headers.first(name: ":status")
  }

  private func receive(_ data: HTTP2Frame.FramePayload.Data, _ id: Int32) {
    guard case .byteBuffer(let bytes) = data.data else { return }
    defer { bytes.wipeReadableBytes() }
    guard var call = calls[id] else { return }
    let count = (call.received?.readableBytes ?? 0) + bytes.readableBytes
    guard count <= largestResponse + GRPCMessage.prefixLength else {
      send(.rstStream(.cancel), on: HTTP2StreamID(id))
      return finish(
        id,
        .failure(GRPCStatus(.resourceExhausted, "the response is too large"))
      )
    }
    calls[id] = nil
    var received = call.received ?? ByteBufferAllocator().buffer(capacity: 0)
    call.received = nil
    if received.writableBytes < bytes.readableBytes {
      let old = received
      received = ByteBufferAllocator().buffer(capacity: max(count, 2 * old.readableBytes))
      received.writeImmutableBuffer(old)
      old.wipeReadableBytes()
    }
    received.writeImmutableBuffer(bytes)
    call.received = received
    calls[id] = call
    if data.endStream {
      finish(id, .failure(GRPCStatus(.internal, "the response has no status")))
    }
  }

  private func end(_ id: Int32, _ trailers: HPACKHeaders, _ httpStatus: String?) {
    let http = httpStatus ?? trailers.first(name: ":status") ?? ""
    guard let text = trailers.first(name: "grpc-status") else {
      return finish(
        id,
        .failure(GRPCStatus(.unknown, "no grpc-status in the response (HTTP \(http))"))
      )
    }
    let code = Int(text).flatMap(GRPCStatusCode.init(rawValue:)) ?? .unknown
    guard code == .ok else {
      let message = PercentEncoding.decode(trailers.first(name: "grpc-message") ?? "")
      return finish(id, .failure(GRPCStatus(code, message)))
    }
    do throws(GRPCStatus) {
      let body = calls[id]?.received ?? ByteBuffer()
      finish(id, .success(try GRPCFraming.unwrap(body, limit: largestResponse)))
    } catch {
      finish(id, .failure(error))
    }
  }

  private static func status(for code: HTTP2ErrorCode) -> GRPCStatus {
    switch code {
    case .refusedStream: GRPCStatus(.unavailable, "the server refused the stream")
    case .cancel: GRPCStatus(.cancelled, "the server cancelled the call")
    case .enhanceYourCalm: GRPCStatus(.resourceExhausted, "the server asks for fewer calls")
    default: GRPCStatus(.internal, "the stream was reset: \(code)")
    }
  }

  private func failAll() {
    for id in Array(calls.keys) {
      finish(id, .failure(GRPCStatus(.unavailable, "the connection was closed")))
    }
  }

  // MARK: Deadlines

  private func armTimer(_ context: ChannelHandlerContext) {
    timer.arm(on: context.eventLoop, hasCalls: !calls.isEmpty) { [weak self] in
      self?.expireCalls()
    }
  }

  private func expireCalls() {
    timer.fired()
    let now = NIODeadline.now()
    for (id, call) in calls {
      guard call.expires <= now else {
        timer.note(call.expires)
        continue
      }
      send(.rstStream(.cancel), on: HTTP2StreamID(id))
      finish(id, .failure(GRPCStatus(.deadlineExceeded, "no answer within the deadline")))
    }
    if let context { armTimer(context) }
    flushIfNeeded()
  }
}
