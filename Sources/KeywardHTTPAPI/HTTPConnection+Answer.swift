import KeywardCrypto
import KeywardModel
import NIOCore
import NIOHTTP1

/// The way out: answers, refusals and streams.
extension HTTPConnection {
  /// Refuses a request that has not arrived as a whole, and ends the connection.
  func refuse(
    _ error: ServiceError,
    exchange: Exchange?,
    _ context: ChannelHandlerContext
  ) {
    refuse(exchange, context) { .problem(error, requestID: $0) }
  }

  /// Refuses with the answer that `make` gives for the id of the request.
  func refuse(
    _ exchange: Exchange?,
    _ context: ChannelHandlerContext,
    _ make: (String) -> Answer
  ) {
    if case .lingering = phase { return }
    if case .closed = phase { return }
    let exchange =
      exchange
      ?? Exchange(
        requestID: Self.makeRequestID(),
        head: nil,
        start: .now(),
        keepsAlive: false
      )
    exchange.keepsAlive = false
    phase = .lingering(limits.lingerBytes)
    let answer = make(exchange.requestID)
    record(exchange, answer.status, answer.code)
    arm(limits.lingerTimeout, context) { connection, context in connection.close(context) }
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    writeWhole(answer, exchange, context).whenComplete { _ in
      // The client may still be sending: it reads the answer only if we do not reset it.
      bound.value.close(mode: .output, promise: nil)
    }
  }

  /// Writes the answer of a handler, or of the server in its place; only the first one counts.
  func answer(
    _ exchange: Exchange,
    _ result: Result<Answer, ServiceError>,
    _ context: ChannelHandlerContext
  ) {
    guard case .answering(let current) = phase, current === exchange, !exchange.hasAnswer else {
      if case .success(let late) = result, case .stream(let stream) = late.body {
        Task { await stream.close() }
      }
      return
    }
    exchange.hasAnswer = true
    if isDraining { exchange.keepsAlive = false }
    let answer: Answer
    switch result {
    case .success(let value):
      answer = value
      record(exchange, answer.status, answer.code)
    case .failure(let error):
      answer = .problem(error, requestID: exchange.requestID)
      record(exchange, answer.status, error.code)
    }
    arm(limits.writeTimeout, context) { connection, context in connection.close(context) }
    if case .stream(let stream) = answer.body {
      pump(stream, answer, exchange, context)
      return
    }
    let bound = NIOLoopBound((self, exchange, context), eventLoop: context.eventLoop)
    writeWhole(answer, exchange, context).whenComplete { result in
      let (connection, exchange, context) = bound.value
      if case .failure = result { exchange.keepsAlive = false }
      connection.complete(exchange, context)
    }
  }

  private func responseHead(_ answer: Answer, _ exchange: Exchange) -> HTTPResponseHead {
    var headers = HTTPHeaders()
    headers.add(name: "Content-Type", value: answer.contentType)
    headers.add(name: "Cache-Control", value: "no-store")
    headers.add(name: "Keyward-Request-Id", value: exchange.requestID)
    for (name, value) in answer.headers { headers.add(name: name, value: value) }
    if !exchange.keepsAlive { headers.add(name: "Connection", value: "close") }
    return HTTPResponseHead(
      version: .http1_1,
      status: HTTPResponseStatus(statusCode: answer.status),
      headers: headers
    )
  }

  /// Writes an answer of known length; secret bytes are wiped once the kernel has them.
  private func writeWhole(
    _ answer: Answer,
    _ exchange: Exchange,
    _ context: ChannelHandlerContext
  ) -> EventLoopFuture<Void> {
    var head = responseHead(answer, exchange)
    let buffer: ByteBuffer
    var isSecret = false
    switch answer.body {
    case .bytes(let bytes):
      buffer = context.channel.allocator.buffer(bytes: bytes)
    case .secret(let secret):
      isSecret = true
      var copy = context.channel.allocator.buffer(capacity: secret.bytes.count)
      _ = secret.bytes.withUnsafeBytes { copy.writeBytes($0) }
      buffer = copy
    case .stream:
      buffer = ByteBuffer()
    }
    head.headers.add(name: "Content-Length", value: String(buffer.readableBytes))
    let promise = context.eventLoop.makePromise(of: Void.self)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if buffer.readableBytes > 0 {
      let sent = isSecret ? context.eventLoop.makePromise(of: Void.self) : nil
      sent?.futureResult.whenComplete { _ in buffer.wipe() }
      context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: sent)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
    return promise.futureResult
  }

  /// Pulls a streamed answer piece by piece, each once the one before has left.
  private func pump(
    _ stream: ChunkStream,
    _ answer: Answer,
    _ exchange: Exchange,
    _ context: ChannelHandlerContext
  ) {
    let head = responseHead(answer, exchange)
    let bound = NIOLoopBound((self, exchange, context), eventLoop: context.eventLoop)
    let channel = context.channel
    let eventLoop = context.eventLoop
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    exchange.task = Task {
      var isWhole = false
      do {
        while let chunk = try await stream.next() {
          let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: chunk)))
          try await channel.writeAndFlush(part)
          eventLoop.execute {
            let (connection, _, context) = bound.value
            connection.rearm(context)
          }
        }
        try await channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        isWhole = true
      } catch {
        // The chunked body stays without its end: the client sees that it is cut.
      }
      await stream.close()
      let ended = isWhole
      eventLoop.execute {
        let (connection, exchange, context) = bound.value
        guard ended else { return connection.close(context) }
        connection.complete(exchange, context)
      }
    }
  }

  /// Gives a streamed answer that moves a new deadline.
  private func rearm(_ context: ChannelHandlerContext) {
    guard case .answering = phase else { return }
    arm(limits.writeTimeout, context) { connection, context in connection.close(context) }
  }

  /// Goes on to the next request, or closes.
  private func complete(_ exchange: Exchange, _ context: ChannelHandlerContext) {
    guard case .answering(let current) = phase, current === exchange else { return }
    guard exchange.keepsAlive, !isDraining else { return close(context) }
    phase = .idle
    arm(limits.idleTimeout, context) { connection, context in connection.close(context) }
    while let part = waiting.popFirst() {
      receive(part, context)
      if case .answering = phase { return }
      if case .closed = phase { return }
    }
    if isReadPending {
      isReadPending = false
      context.read()
    }
  }

  private func record(_ exchange: Exchange, _ status: Int, _ code: ErrorCode?) {
    let nanoseconds = (NIODeadline.now() - exchange.start).nanoseconds
    shared.metrics.count(
      route: exchange.head?.routeIndex,
      status: status,
      nanoseconds: nanoseconds
    )
    shared.configuration.onEvent(
      .answered(
        HTTPServer.Record(
          route: exchange.head?.route.name ?? "none",
          status: status,
          code: code,
          requestID: exchange.requestID,
          peer: peer,
          nanoseconds: nanoseconds
        )
      )
    )
  }
}
