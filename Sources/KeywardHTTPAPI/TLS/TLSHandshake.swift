import KeywardModel
import NIOCore
import NIOSSL
import NIOTLS

/// Watches one connection's handshake and tells the handlers after it who is there.
final class TLSHandshake: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// Fired once, when the handshake is done.
  struct PeerEvent: Sendable {
    let peer: Peer
  }

  private let address: NetworkAddress
  private let chains: ChainMemory
  private let metrics: HTTPMetrics
  private let shown: NIOLoopBoundBox<[[UInt8]]>
  private let isDone: NIOLoopBoundBox<Bool>

  /// What a client may show: certificates, and bytes of all of them together.
  private static let maximumChain = 8
  private static let maximumBytes = 32 << 10

  init(
    _ address: NetworkAddress,
    _ chains: ChainMemory,
    _ metrics: HTTPMetrics,
    on eventLoop: any EventLoop
  ) {
    self.address = address
    self.chains = chains
    self.metrics = metrics
    shown = NIOLoopBoundBox([], eventLoop: eventLoop)
    isDone = NIOLoopBoundBox(false, eventLoop: eventLoop)
  }

  /// Takes any certificate: TLS proves that the client has its key, and requests are judged later.
  func take(
    _ certificates: [NIOSSLCertificate],
    _ promise: EventLoopPromise<NIOSSLVerificationResult>
  ) {
    let chain = certificates.compactMap { try? $0.toDERBytes() }
    guard chain.count == certificates.count, chain.count <= Self.maximumChain,
      chain.reduce(0, { $0 + $1.count }) <= Self.maximumBytes
    else { return promise.succeed(.failed) }
    shown.value = chain
    promise.succeed(.certificateVerified)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent {
      isDone.value = true
      let event = PeerEvent(peer: .network(address, certificates: chain(context)))
      context.fireUserInboundEventTriggered(event)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !isDone.value { metrics.countFailedHandshake() }
    context.fireErrorCaught(error)
  }

  private func chain(_ context: ChannelHandlerContext) -> [[UInt8]] {
    if !shown.value.isEmpty {
      chains.remember(shown.value)
      return shown.value
    }
    let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
    guard let leaf = try? handler?.peerCertificate?.toDERBytes() else { return [] }
    return chains.chain(of: leaf)
  }
}
