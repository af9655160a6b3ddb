import NIOCore

/// Passes on whole HTTP/2 frames only, wipes received bytes, and closes connections that stall.
///
/// Stands between the socket and the HTTP/2 parser. Because the parser never holds back part of a
/// frame, every received byte can be overwritten as soon as its handlers have returned; and because
/// frame ends are known here, a peer that begins a preface, frame or header block and does not
/// finish it (slow loris) is told apart from an idle one, which may stay for ever.
final class FrameAssembler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private var boundary: FrameBoundary
  private var tail: ByteBuffer?
  private let patience: TimeAmount
  private let onStall: () -> Void

  private var context: ChannelHandlerContext?

  /// When the present unfinished frame began; nil when the peer owes nothing.
  private var unfinishedSince: NIODeadline?
  private var isTimerArmed = false

  /// - Parameters:
  ///   - isServer: whether the peer begins with the connection preface.
  ///   - patience: how long a preface, frame or header block may take.
  ///   - onStall: called when it took longer, before the connection is closed.
  init(isServer: Bool, patience: TimeAmount, onStall: @escaping () -> Void) {
    boundary = FrameBoundary(awaitsPreface: isServer)
    self.patience = patience
    self.onStall = onStall
  }

  /// Sends a frame past the HTTP/2 handler, which does not learn of it.
  func send(_ frame: ByteBuffer, promise: EventLoopPromise<Void>? = nil) {
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    context.writeAndFlush(NIOAny(frame), promise: promise)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    updateTimer(context)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let received = unwrapInboundIn(data)
    if tail == nil {
      let count = received.withUnsafeReadableBytes { boundary.advance(over: $0) }
      if count == received.readableBytes {
        context.fireChannelRead(data)
      } else {
        keep(received, from: count, context)
      }
    } else {
      tail?.writeImmutableBuffer(received)
      passWholeFrames(context)
    }
    received.wipeReadableBytes()
    updateTimer(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    tail?.wipeReadableBytes()
    tail = nil
    self.context = nil
  }

  private func keep(_ received: ByteBuffer, from count: Int, _ context: ChannelHandlerContext) {
    var received = received
    if let frames = received.readSlice(length: count), count > 0 {
      context.fireChannelRead(wrapInboundOut(frames))
    }
    // Room for a whole frame: a growing buffer would leave copies behind.
    var rest = context.channel.allocator.buffer(capacity: max(received.readableBytes, 16_400))
    rest.writeImmutableBuffer(received)
    tail = rest
  }

  private func passWholeFrames(_ context: ChannelHandlerContext) {
    guard var bytes = tail.take() else { return }
    let count = bytes.withUnsafeReadableBytes { boundary.advance(over: $0) }
    guard count > 0 else {
      tail = bytes
      return
    }
    guard let frames = bytes.readSlice(length: count) else { return }
    if bytes.readableBytes > 0 { keep(bytes, from: 0, context) }
    context.fireChannelRead(wrapInboundOut(frames))
    frames.wipeReadableBytes()
    bytes.wipeReadableBytes()
  }

  private func updateTimer(_ context: ChannelHandlerContext) {
    guard tail != nil || boundary.isMidway else {
      unfinishedSince = nil
      return
    }
    guard unfinishedSince == nil else { return }
    let now = NIODeadline.now()
    unfinishedSince = now
    // A timer that is on its way looks again when it fires: cancelling would cost more.
    if !isTimerArmed { arm(context.eventLoop, at: now + patience) }
  }

  private func arm(_ eventLoop: any EventLoop, at deadline: NIODeadline) {
    isTimerArmed = true
    // Weak: a timer must not keep what it watched until it fires.
    eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
      self?.timerFired()
    }
  }

  private func timerFired() {
    isTimerArmed = false
    guard let since = unfinishedSince, let context else { return }
    if NIODeadline.now() >= since + patience {
      onStall()
      context.close(promise: nil)
    } else {
      arm(context.eventLoop, at: since + patience)
    }
  }
}

extension Optional {
  /// Takes the value out and leaves nil.
  fileprivate mutating func take() -> Wrapped? {
    defer { self = nil }
    return self
  }
}
