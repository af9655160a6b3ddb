import KeywardCrypto
import KeywardModel
import NIOCore
import NIOHTTP1

/// One connection: a request at a time from head to answer, each phase with its deadline.
///
/// Lives on one event loop. The handler of a request runs in a task; its answer comes back as an
/// event. While a request is answered nothing more is read, so a client that sends without reading
/// fills its own socket and not the server's memory.
final class HTTPConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private enum Phase {
    /// Between requests.
    case idle
    /// The head is accepted, the body comes.
    case receiving(Exchange, BodyCollector)
    /// The handler runs, or its answer is being written.
    case answering(Exchange)
    /// The request was refused early: what still comes is dropped, up to so many bytes.
    case lingering(Int)
    case closed
  }

  /// A request under way.
  private final class Exchange {
    let requestID: String
    let head: RequestHead?
    let start: NIODeadline
    var keepsAlive: Bool
    var hasAnswer = false
    /// Holds the body's share of memory until the answer is out.
    var body: BodyCollector?
    var task: Task<Void, Never>?

    init(requestID: String, head: RequestHead?, start: NIODeadline, keepsAlive: Bool) {
      self.requestID = requestID
      self.head = head
      self.start = start
      self.keepsAlive = keepsAlive
    }
  }

  private let shared: HTTPShared
  private let peer: UnixPeer
  private var phase = Phase.idle
  private var timer: Scheduled<Void>?
  private var isDraining = false
  private var isReadPending = false
  /// Parts of pipelined requests that one read brought along with an earlier one.
  private var waiting = CircularBuffer<HTTPServerRequestPart>()

  init(_ shared: HTTPShared, _ peer: UnixPeer) {
    self.shared = shared
    self.peer = peer
  }

  private var limits: HTTPLimits { shared.configuration.limits }

  // MARK: - Events of the channel

  func channelActive(context: ChannelHandlerContext) {
    arm(limits.headTimeout, context) { connection, context in
      let error = ServiceError(.requestTimeout, "The request's headers did not arrive in time.")
      connection.refuse(error, exchange: nil, context)
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    abandon()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    if case .answering = phase {
      waiting.append(part)
    } else {
      receive(part, context)
    }
  }

  func read(context: ChannelHandlerContext) {
    if case .answering = phase {
      isReadPending = true
    } else {
      context.read()
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard event is ConnectionSet.DrainEvent else {
      context.fireUserInboundEventTriggered(event)
      return
    }
    isDraining = true
    if case .idle = phase { close(context) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else {
      close(context)
      return
    }
    let words =
      error == .headerOverflow
      ? ServiceError(.headersTooLarge, "The request's headers are over the server's limits.")
      : ServiceError(.invalidRequest, "The request is not well-formed HTTP/1.1.")
    switch phase {
    case .idle: refuse(words, exchange: nil, context)
    case .receiving(let exchange, _): refuse(words, exchange: exchange, context)
    case .answering(let exchange): exchange.keepsAlive = false
    case .lingering, .closed: break
    }
  }

  // MARK: - Receiving

  private func receive(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch (phase, part) {
    case (.idle, .head(let head)):
      begin(head, context)
    case (.receiving(let exchange, let collector), .body(let buffer)):
      do throws(ServiceError) {
        try collector.append(buffer)
      } catch {
        refuse(error, exchange: exchange, context)
      }
    case (.receiving(let exchange, let collector), .end):
      dispatch(exchange, collector, context)
    case (.lingering(let left), .body(let buffer)):
      buffer.wipe()
      phase = .lingering(left - buffer.readableBytes)
      if left < buffer.readableBytes { close(context) }
    case (.lingering, .end):
      break
    case (.answering, _), (.closed, _), (.idle, _), (.receiving, _), (.lingering, _):
      close(context)
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let start = NIODeadline.now()
    let requestID = Self.makeRequestID()
    do throws(ServiceError) {
      let request = try RequestHead(head)
      let exchange = Exchange(
        requestID: requestID,
        head: request,
        start: start,
        keepsAlive: head.isKeepAlive
      )
      let collector = try BodyCollector(
        request.route.body,
        announced: request.announced,
        load: shared.load
      )
      phase = .receiving(exchange, collector)
      if request.expectsContinue, request.announced != 0 {
        let interim = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(interim)), promise: nil)
      }
      arm(limits.bodyTimeout, context) { connection, context in
        let error = ServiceError(.requestTimeout, "The request's body did not arrive in time.")
        connection.refuse(error, exchange: exchange, context)
      }
    } catch {
      let exchange = Exchange(requestID: requestID, head: nil, start: start, keepsAlive: false)
      refuse(error, exchange: exchange, context)
    }
  }

  /// Runs the handler of a request that has arrived as a whole.
  private func dispatch(
    _ exchange: Exchange,
    _ collector: BodyCollector,
    _ context: ChannelHandlerContext
  ) {
    guard let head = exchange.head else { return close(context) }
    phase = .answering(exchange)
    exchange.body = collector
    let route = head.route
    let request: RouteRequest
    do throws(ServiceError) {
      let body = try collector.finish()
      request = RouteRequest(
        caller: caller(exchange),
        nameText: head.nameText,
        query: head.query,
        json: body.json,
        octets: body.octets,
        metrics: { [shared] in await shared.metricsText() }
      )
      guard shared.load.beginRequest(isHealthCheck: route.isHealthCheck) else {
        throw ServiceError(.unavailable, "The server is busy.", remedy: "Try again in a second.")
      }
    } catch {
      return answer(exchange, .failure(error), context)
    }
    arm(route.deadline, context) { connection, context in
      let error = ServiceError(
        .unavailable,
        "The server did not answer in time; it may still carry the request out.",
        remedy: "Look at the state of things before you ask again."
      )
      exchange.keepsAlive = false
      exchange.task?.cancel()
      connection.answer(exchange, .failure(error), context)
    }
    let bound = NIOLoopBound((self, exchange, context), eventLoop: context.eventLoop)
    let eventLoop = context.eventLoop
    exchange.task = Task { [shared] in
      let result: Result<Answer, ServiceError>
      do throws(ServiceError) {
        result = .success(try await route.handler(request, shared.service))
      } catch {
        result = .failure(error)
      }
      shared.load.endRequest()
      eventLoop.execute {
        let (connection, exchange, context) = bound.value
        connection.answer(exchange, result, context)
      }
    }
  }

  private func caller(_ exchange: Exchange) -> Caller {
    Caller(
      principal: Principal(
        kind: .unixPeer,
        name: "uid:\(peer.uid)",
        uid: peer.uid,
        pid: peer.pid
      ),
      transport: .admin,
      requestID: exchange.requestID
    )
  }

  private static func makeRequestID() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  // MARK: - Answering

  /// Refuses a request that has not arrived as a whole, and ends the connection.
  private func refuse(
    _ error: ServiceError,
    exchange: Exchange?,
    _ context: ChannelHandlerContext
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
    let answer = Answer.problem(error, requestID: exchange.requestID)
    record(exchange, answer.status, error.code)
    arm(limits.lingerTimeout, context) { connection, context in connection.close(context) }
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    writeWhole(answer, exchange, context).whenComplete { _ in
      // The client may still be sending: it reads the answer only if we do not reset it.
      bound.value.close(mode: .output, promise: nil)
    }
  }

  /// Writes the answer of a handler, or of the server in its place; only the first one counts.
  private func answer(
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
      record(exchange, answer.status, nil)
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
          uid: peer.uid,
          nanoseconds: nanoseconds
        )
      )
    )
  }

  // MARK: - Ends

  /// Replaces the one deadline of the current phase.
  private func arm(
    _ delay: TimeAmount,
    _ context: ChannelHandlerContext,
    _ body: @escaping (HTTPConnection, ChannelHandlerContext) -> Void
  ) {
    timer?.cancel()
    let bound = NIOLoopBound((self, context, body), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: delay) {
      let (connection, context, body) = bound.value
      body(connection, context)
    }
  }

  private func close(_ context: ChannelHandlerContext) {
    abandon()
    context.close(promise: nil)
  }

  private func abandon() {
    timer?.cancel()
    timer = nil
    if case .answering(let exchange) = phase { exchange.task?.cancel() }
    phase = .closed
    waiting.removeAll()
  }
}
