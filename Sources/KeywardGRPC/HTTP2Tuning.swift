import NIOCore
import NIOHTTP2

/// The settings of swift-nio-http2 that both sides use.
enum HTTP2Tuning {
  /// Bytes of inbound window left at which the peer is given more.
  ///
  /// Nobody else sends WINDOW_UPDATE here; a threshold of 0 would stop the peer at 64 KiB.
  static let windowLowWater = 32_768
  /// The initial window of connections and streams (RFC 9113 §6.9.2).
  static let fullWindow = 65_535

  static func connection(concurrentStreams: Int) -> NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: concurrentStreams),
      HTTP2Setting(parameter: .maxHeaderListSize, value: 16_384),
    ]
    // grpc-go sends a PING with nearly every call to measure the link; the default of 200 frames in
    // 30 s would close its connection every 200 calls. The handler reserves 8 bytes for each frame
    // of the limit, so the window is short rather than the count large: 320,000 frames a second.
    configuration.controlFrameRateLimit.maximumCount = 16_000
    configuration.controlFrameRateLimit.windowLength = .milliseconds(50)
    // Frames of streams we reset ourselves may be under way still.
    configuration.maximumRecentlyResetStreams = 1024
    configuration.maximumConnectionGlitches = 100_000
    configuration.maximumSequentialEmptyDataFrames = 4
    // Nothing is passed on to another HTTP server, so nothing can be smuggled: what a call needs is
    // checked by `GRPCRequestHead`, and any `:authority` is good.
    configuration.headerBlockValidation = .disabled
    return configuration
  }

  static var stream: NIOHTTP2Handler.StreamConfiguration {
    var configuration = NIOHTTP2Handler.StreamConfiguration()
    // A storm of calls that all miss their deadline resets all its streams at once.
    configuration.streamResetFrameRateLimit.maximumCount = 8192
    configuration.streamResetFrameRateLimit.windowLength = .seconds(1)
    configuration.streamErrorRateLimit.maximumCount = 1024
    configuration.streamErrorRateLimit.windowLength = .seconds(1)
    return configuration
  }
}
