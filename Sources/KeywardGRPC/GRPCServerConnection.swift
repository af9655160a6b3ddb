import NIOCore
import NIOHPACK
import NIOHTTP2
import Synchronization

/// All calls of one connection: HTTP/2 frames in, frames out, no channel per stream.
///
/// Stands behind `NIOHTTP2Handler`, which does HPACK, stream states and outbound flow control. By
/// hand here: inbound windows, message limits, deadlines, GOAWAY.
///
/// Unchecked: confined to its event loop; `CompletionMailbox` hops there before it calls.
final class GRPCServerConnection: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  let connection: GRPCConnection
  let mailbox: CompletionMailbox

  private let assembler: FrameAssembler
  private let methods: [String: GRPCMethod]
  private let limits: GRPCServer.Limits
  private let counters: GRPCServerCounters
  private let onClose: @Sendable (GRPCServerConnection) -> Void

  private var context: ChannelHandlerContext?
  private var calls: [Int32: GRPCCall] = [:]
  private var lastStreamID = HTTP2StreamID.rootStream
  private var bufferedBytes = 0
  private var isReading = false
  private var needsFlush = false
  private var shutdown = Shutdown.none
  private var unsentMessages = 0
  private var timer = ExpiryTimer()

  private enum Shutdown {
    case none
    /// The client was told; what it sent before it heard is still served.
    case announced
    /// Time enough for the client to have heard: the connection closes when it has no calls.
    case draining
    case closing
  }

  init(
    connection: GRPCConnection,
    mailbox: CompletionMailbox,
    assembler: FrameAssembler,
    methods: [String: GRPCMethod],
    limits: GRPCServer.Limits,
    counters: GRPCServerCounters,
    onClose: @escaping @Sendable (GRPCServerConnection) -> Void
  ) {
    self.connection = connection
    self.mailbox = mailbox
    self.assembler = assembler
    self.methods = methods
    self.limits = limits
    self.counters = counters
    self.onClose = onClose
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    onClose(self)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer.cancel()
    for call in calls.values { abandon(call) }
    calls = [:]
    onClose(self)
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    let frame = unwrapInboundIn(data)
    switch frame.payload {
    case .headers(let headers):
      receive(headers, on: frame.streamID)
    case .data(let data):
      receive(data, on: frame.streamID)
    case .rstStream:
      forget(Int32(frame.streamID))
    default:
      ()
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    armTimer(context)
    flushIfNeeded()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    // A client that does not read its answers gets no more requests read.
    context.channel.setOption(.autoRead, value: context.channel.isWritable)
      .whenFailure { _ in }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let event = event as? NIOHTTP2WindowUpdatedEvent, let size = event.inboundWindowSize
    else { return }
    // The windows are read from the events, not counted from DATA frames: frames of streams that
    // are gone already use up the connection's window too.
    guard size < HTTP2Tuning.windowLowWater else { return }
    if event.streamID != .rootStream {
      guard let call = calls[Int32(event.streamID)], call.phase == .receiving else { return }
    }
    send(
      .windowUpdate(windowSizeIncrement: HTTP2Tuning.fullWindow - size),
      on: event.streamID
    )
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? NIOHTTP2Errors.StreamError {
      // The HTTP/2 handler has reset the stream already.
      forget(Int32(error.streamID))
      return
    }
    if !(error is IOError) { counters.protocolErrors.add(1, ordering: .relaxed) }
    context.close(promise: nil)
  }

  // MARK: Requests

  private func receive(_ headers: HTTP2Frame.FramePayload.Headers, on streamID: HTTP2StreamID) {
    let id = Int32(streamID)
    if let call = calls[id] {
      if headers.endStream { end(call) }
      return
    }
    lastStreamID = max(lastStreamID, streamID)
    counters.callsStarted.add(1, ordering: .relaxed)
    let now = NIODeadline.now()
    let patience = now + limits.requestPatience
    let head: GRPCRequestHead
    do {
      head = try GRPCRequestHead(headers.headers)
    } catch {
      let call = open(id, .unserved, deadline: nil, expires: patience)
      reject(call, error)
      if headers.endStream { close(call) }
      return
    }
    let deadline = head.timeout.map { now + $0 }
    let call = open(
      id,
      methods[head.path] ?? .unserved,
      deadline: deadline,
      expires: min(deadline ?? .distantFuture, patience)
    )
    if methods[head.path] == nil {
      refuse(call, GRPCStatus(.unimplemented, "unknown method"))
    } else if let timeout = head.timeout, timeout <= .zero {
      refuse(call, GRPCStatus(.deadlineExceeded, "the deadline passed before the call came"))
    }
    if headers.endStream { end(call) }
  }

  private func receive(_ data: HTTP2Frame.FramePayload.Data, on streamID: HTTP2StreamID) {
    guard case .byteBuffer(let bytes) = data.data else { return }
    // The parser keeps its own copy of what came from the socket; this is it.
    defer { bytes.wipeReadableBytes() }
    guard let call = calls[Int32(streamID)] else { return }
    if call.phase == .receiving {
      if data.endStream, call.received == nil {
        return run(call, bytes)
      }
      accumulate(bytes, for: call)
    }
    if data.endStream { end(call) }
  }

  private func accumulate(_ bytes: ByteBuffer, for call: GRPCCall) {
    let count = (call.received?.readableBytes ?? 0) + bytes.readableBytes
    guard count <= call.method.largestRequest + GRPCMessage.prefixLength else {
      return refuse(
        call,
        GRPCStatus(
          .resourceExhausted,
          "the message is larger than \(call.method.largestRequest) bytes"
        )
      )
    }
    bufferedBytes += bytes.readableBytes
    guard bufferedBytes <= limits.bufferedBytes else {
      return refuse(
        call,
        GRPCStatus(.resourceExhausted, "too many unfinished requests on this connection")
      )
    }
    if var received = call.received {
      call.received = nil
      if received.writableBytes < bytes.readableBytes {
        // Growing by hand: a reallocation would leave the old bytes behind.
        let old = received
        received = ByteBufferAllocator().buffer(capacity: max(count, 2 * old.readableBytes))
        received.writeImmutableBuffer(old)
        old.wipeReadableBytes()
      }
      received.writeImmutableBuffer(bytes)
      call.received = received
    } else {
      var received = ByteBufferAllocator().buffer(capacity: max(count, 1024))
      received.writeImmutableBuffer(bytes)
      call.received = received
    }
  }

  /// The client has sent everything.
  private func end(_ call: GRPCCall) {
    switch call.phase {
    case .receiving: run(call, takeReceived(call) ?? ByteBuffer())
    case .draining: close(call)
    case .running, .closed: ()
    }
  }

  private func run(_ call: GRPCCall, _ body: ByteBuffer) {
    call.phase = .running
    // From here on the client's own deadline is the only one.
    call.expires = call.deadline ?? .distantFuture
    defer { body.wipeReadableBytes() }
    do throws(GRPCStatus) {
      let message = try GRPCFraming.unwrap(body, limit: call.method.largestRequest)
      call.method.handler(message, call)
    } catch {
      call.fail(error)
    }
  }

  private func takeReceived(_ call: GRPCCall) -> ByteBuffer? {
    guard let received = call.received else { return nil }
    call.received = nil
    bufferedBytes -= received.readableBytes
    return received
  }

  // MARK: Answers

  /// Writes an answer that was made on the event loop.
  func finish(_ call: GRPCCall, _ outcome: GRPCCall.Outcome) {
    write(call, outcome)
    if !isReading { flushIfNeeded() }
  }

  /// Writes the frames of an answer without flushing them.
  func write(_ call: GRPCCall, _ outcome: GRPCCall.Outcome) {
    guard call.phase == .running || call.phase == .receiving else {
      if case .message(let message) = outcome { message.wipe() }
      return
    }
    let streamID = HTTP2StreamID(call.streamID)
    switch outcome {
    case .message(let message):
      counters.countSuccess()
      send(GRPCResponseHeaders.ok, on: streamID)
      send(message, on: streamID)
      send(GRPCResponseHeaders.okTrailers, on: streamID)
    case .failure(let status):
      counters.countFailure(status.code)
      send(GRPCResponseHeaders.trailersOnly(status), on: streamID)
    }
    if call.phase == .running {
      close(call)
    } else {
      discardReceived(call)
      call.phase = .draining
    }
  }

  func flushIfNeeded() {
    guard needsFlush, let context else { return }
    needsFlush = false
    context.flush()
  }

  private func send(_ message: GRPCMessage, on streamID: HTTP2StreamID) {
    let payload = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(message.framed)))
    guard message.isSecret || message.framed.readableBytes > limits.trackedBytes, let context else {
      return send(payload, on: streamID)
    }
    unsentMessages += 1
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { _ in
      message.wipe()
      self.unsentMessages -= 1
      self.closeIfDrained()
    }
    send(payload, on: streamID, promise: written)
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

  // MARK: Calls

  private func open(
    _ id: Int32,
    _ method: GRPCMethod,
    deadline: NIODeadline?,
    expires: NIODeadline
  ) -> GRPCCall {
    let call = GRPCCall(
      streamID: id,
      method: method,
      transport: self,
      deadline: deadline,
      expires: expires
    )
    calls[id] = call
    timer.note(expires)
    return call
  }

  private func reject(_ call: GRPCCall, _ rejection: GRPCRequestHead.Rejection) {
    switch rejection {
    case .grpc(let status):
      refuse(call, status)
    case .http(let code):
      guard call.claim() else { return }
      counters.countFailure(.unknown)
      send(GRPCResponseHeaders.plain(code), on: HTTP2StreamID(call.streamID))
      call.phase = .draining
    }
  }

  /// Answers before the request is complete.
  private func refuse(_ call: GRPCCall, _ status: GRPCStatus) {
    guard call.claim() else { return }
    write(call, .failure(status))
  }

  private func close(_ call: GRPCCall) {
    call.phase = .closed
    calls.removeValue(forKey: call.streamID)
    closeIfDrained()
  }

  /// The client has reset the stream.
  private func forget(_ id: Int32) {
    guard let call = calls.removeValue(forKey: id) else { return }
    abandon(call)
    closeIfDrained()
  }

  private func abandon(_ call: GRPCCall) {
    if call.phase != .draining { counters.callsCancelled.add(1, ordering: .relaxed) }
    call.phase = .closed
    call.cancel()
    _ = call.claim()
    discardReceived(call)
  }

  private func discardReceived(_ call: GRPCCall) {
    takeReceived(call)?.wipeReadableBytes()
  }

  // MARK: Deadlines

  private func armTimer(_ context: ChannelHandlerContext) {
    timer.arm(on: context.eventLoop, hasCalls: !calls.isEmpty) { [weak self] in
      self?.expireCalls()
    }
  }

  /// Ends what is overdue and sets the timer for what is next.
  private func expireCalls() {
    timer.fired()
    let now = NIODeadline.now()
    for call in Array(calls.values) {
      if call.expires <= now { expire(call) } else { timer.note(call.expires) }
    }
    if let context { armTimer(context) }
    flushIfNeeded()
  }

  private func expire(_ call: GRPCCall) {
    let hasSentAll = call.phase == .running
    call.cancel()
    if call.phase != .draining {
      // When another thread has claimed the answer, that answer is on its way here.
      guard call.claim() else {
        call.expires = .distantFuture
        return
      }
      write(call, .failure(GRPCStatus(.deadlineExceeded, "the deadline passed")))
    }
    guard !hasSentAll else { return }
    // The client still owes the rest of its request: free the stream.
    send(.rstStream(.cancel), on: HTTP2StreamID(call.streamID))
    close(call)
  }

  // MARK: Shutdown

  /// Asks the client to go elsewhere, and closes when its calls are done.
  ///
  /// The GOAWAY frames pass by `NIOHTTP2Handler`: once that has sent one, it answers the DATA of a
  /// call that the client began meanwhile with a connection error, which ends running calls too.
  /// Source: RFC 9113 §6.8, which tells servers to announce the highest stream first.
  func drain() {
    guard shutdown == .none, let context else { return }
    shutdown = .announced
    assembler.send(Self.goAway(last: .maxID))
    context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) { [weak self] in
      self?.shutdown = .draining
      self?.closeIfDrained()
    }
  }

  /// Closes at once.
  func abort() {
    context?.close(promise: nil)
  }

  private func closeIfDrained() {
    guard shutdown == .draining, calls.isEmpty, unsentMessages == 0, let context else { return }
    shutdown = .closing
    flushIfNeeded()
    // The last bytes: when they are with the kernel, so is everything before them.
    let sent = context.eventLoop.makePromise(of: Void.self)
    sent.futureResult.assumeIsolated().whenComplete { _ in
      self.context?.close(promise: nil)
    }
    assembler.send(Self.goAway(last: lastStreamID), promise: sent)
  }

  private static func goAway(last: HTTP2StreamID) -> ByteBuffer {
    var frame = ByteBuffer(bytes: [0, 0, 8, 7, 0, 0, 0, 0, 0])
    frame.writeInteger(Int32(last))
    frame.writeInteger(UInt32(0))
    return frame
  }
}

extension GRPCMethod {
  /// Stands in for a method that does not exist; its handler never runs.
  fileprivate static let unserved = GRPCMethod(largestRequest: 0) { _, _ in }
}
