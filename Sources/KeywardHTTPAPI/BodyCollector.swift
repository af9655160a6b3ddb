import KeywardCrypto
import KeywardModel
import NIOCore

/// Gathers one request body within its limit; octets go straight into the locked arena.
///
/// Memory is taken as bytes arrive, not as they are announced, so that a client that announces
/// much and sends little holds little (Vault CVE-2023-6337). Lives on one event loop.
final class BodyCollector {
  private let limit: Int
  private let isSecret: Bool
  private let load: HTTPLoad
  private var secret: SecretBytes?
  private var plain: [UInt8] = []
  private var count = 0
  private var capacity = 0

  private static let firstCapacity = 4 << 10

  init(_ body: Route.Body, announced: Int?, load: HTTPLoad) throws(ServiceError) {
    self.load = load
    switch body {
    case .none:
      limit = 0
      isSecret = false
    case .json(let limit):
      self.limit = limit
      isSecret = false
    case .octets(let limit):
      self.limit = limit
      isSecret = true
    }
    guard (announced ?? 0) <= limit else { throw tooLarge }
    try grow(to: min(announced ?? Self.firstCapacity, Self.firstCapacity))
  }

  deinit { load.releaseBody(capacity) }

  /// Takes the next piece of the body and wipes it in the connection's buffer.
  func append(_ buffer: ByteBuffer) throws(ServiceError) {
    defer { if isSecret { buffer.wipe() } }
    let size = buffer.readableBytes
    guard size <= limit - count else { throw tooLarge }
    if count + size > capacity { try grow(to: min(limit, max(capacity * 4, count + size))) }
    if isSecret {
      let start = count
      secret?.withUnsafeMutableBytes { target in
        buffer.withUnsafeReadableBytes { source in
          UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: source)
        }
      }
    } else {
      plain.append(contentsOf: buffer.readableBytesView)
    }
    count += size
  }

  /// The whole body; call it once.
  func finish() throws(ServiceError) -> (json: [UInt8], octets: SecretBody?) {
    guard let gathered = secret.take() else { return (plain, nil) }
    if gathered.count == count { return ([], SecretBody(gathered)) }
    do {
      return ([], SecretBody(try SecretBytes(copying: gathered, range: 0..<count)))
    } catch {
      throw outOfMemory
    }
  }

  private func grow(to size: Int) throws(ServiceError) {
    guard size > capacity || secret == nil else { return }
    guard load.reserveBody(size - capacity) else { throw outOfMemory }
    capacity = size
    guard isSecret else { return }
    let used = count
    do throws(CryptoError) {
      var larger = try SecretBytes(count: size)
      if let old = secret.take() {
        larger.withUnsafeMutableBytes { target in
          old.withUnsafeBytes { source in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<used]))
          }
        }
      }
      secret = consume larger
    } catch {
      throw outOfMemory
    }
  }

  private var tooLarge: ServiceError {
    ServiceError(.limitExceeded, "The body has more than the \(limit) bytes that the route takes.")
  }

  private var outOfMemory: ServiceError {
    ServiceError(.unavailable, "The server has no memory left for the body.", remedy: "Try again.")
  }
}
