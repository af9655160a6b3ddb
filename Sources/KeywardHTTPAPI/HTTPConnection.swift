import KeywardCrypto
import KeywardModel
import NIOCore
import NIOHTTP1

/// One connection: a request at a time from head to answer, each phase with its deadline.
///
/// Lives on one event loop. The handler of a request runs in a task or, where it is brief, begins at
/// once; its answer comes back as an event. While a request is answered nothing more is read, so a
/// client that sends without reading fills its own socket and not the server's memory.
final class HTTPConnection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  enum Phase {
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

  let shared: HTTPShared
  /// Known before the first byte on a Unix socket; the certificates come with the end of the handshake.
  var peer: Peer
  var phase = Phase.idle
  private var timer: Scheduled<Void>?
  /// Whether answers can be read by the peer: after the handshake, where there is one.
  private var isSecured: Bool
  var isDraining = false
  var isReadPending = false
  /// Whether nothing more is read, not even the end.
  private var isDeaf = false
  /// Parts of pipelined requests that one read brought along with an earlier one.
  var waiting = CircularBuffer<HTTPServerRequestPart>()

  init(_ shared: HTTPShared, _ peer: Peer) {
    self.shared = shared
    self.peer = peer
    isSecured = shared.door != .https
  }

  var limits: HTTPLimits { shared.configuration.limits }

  // MARK: - Events of the channel

  func channelActive(context: ChannelHandlerContext) {
    arm(limits.headTimeout, context) { connection, context in
      guard connection.isSecured else { return connection.close(context) }
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
    guard !isDeaf else { return }
    if case .answering = phase {
      isReadPending = true
    } else {
      context.read()
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let known = event as? TLSHandshake.PeerEvent {
      peer = known.peer
      isSecured = true
    }
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

  func receive(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
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
      if left < buffer.readableBytes {
        // TLS waits for the client's last word, behind all that it sends: it is not listened to.
        isDeaf = true
        close(context)
      }
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
      let request = try RequestHead(head, door: shared.door)
      let exchange = Exchange(
        requestID: requestID,
        head: request,
        start: start,
        keepsAlive: head.isKeepAlive
      )
      exchange.delay = delay(request.route)
      if let delay = exchange.delay, request.announced != 0 {
        // A body of someone who is over the rate is not read.
        return refuse(exchange, context) { .throttled(requestID: $0, retryAfter: delay) }
      }
      // A body of nobody is not read either.
      guard isIdentified(request) || request.announced == 0 else { throw .unauthenticated }
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
      refuse(exchange, context) { [door = shared.door] requestID in
        var answer = Answer.problem(error, requestID: requestID)
        if error.code == .methodNotAllowed {
          // RFC 9110 §15.5.6: such an answer names the methods that there are.
          answer.headers.append(("Allow", RequestHead.methods(head, door: door)))
        }
        return answer
      }
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
    let arrived: ArrivedRequest
    if let delay = exchange.delay {
      let throttled = Answer.throttled(requestID: exchange.requestID, retryAfter: delay)
      return answer(exchange, .success(throttled), context)
    }
    do throws(ServiceError) {
      let body = try collector.finish()
      arrived = ArrivedRequest(
        id: exchange.requestID,
        head: head,
        peer: peer,
        json: body.json,
        octets: body.octets
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
    let reply: Reply<Answer> = { [shared, eventLoop = context.eventLoop] result in
      shared.load.endRequest()
      // Not at once on the loop itself: answers of pipelined requests would pile up on the stack.
      eventLoop.execute {
        let (connection, exchange, context) = bound.value
        // The writing thread keeps the exchange until it has done all that it took with it, and the
        // next request may have a body too.
        exchange.body = nil
        connection.answer(exchange, result, context)
      }
    }
    if shared.begin(arrived, reply) { return }
    exchange.task = Task { @concurrent [shared] in
      do throws(ServiceError) {
        reply(.success(try await shared.answer(arrived)))
      } catch {
        reply(.failure(error))
      }
    }
  }

  /// Whether there is something to know the caller by, where the route asks for it.
  private func isIdentified(_ request: RequestHead) -> Bool {
    guard request.route.authentication == .credential, peer.unixPrincipal == nil else {
      return true
    }
    return request.credentials.bearer != nil || !peer.certificates.isEmpty
  }

  /// The seconds that the peer has to wait; nil when the request may go on.
  private func delay(_ route: Route) -> Int? {
    guard let source = peer.source, !route.isHealthCheck else { return nil }
    return shared.rates.delay(source, cost: route.cost)
  }

  static func makeRequestID() -> String {
    let number = UInt64.random(in: .min ... .max)
    return Hex.encode(withUnsafeBytes(of: number) { Array($0) })
  }

  // MARK: - Ends

  /// Replaces the one deadline of the current phase.
  func arm(
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

  func close(_ context: ChannelHandlerContext) {
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
