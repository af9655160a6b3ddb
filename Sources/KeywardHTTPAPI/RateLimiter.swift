import KeywardModel
import NIOCore
import Synchronization

/// How many requests a second each of many callers may make, in bounded memory; without I/O or clock.
///
/// A token bucket for each key, kept as the one instant at which it would be full again (the generic
/// cell rate algorithm, ITU-T I.371). A bucket that is full is as good as none, so it is dropped when
/// room is needed. If all are in use, keys that are new share one bucket: who makes up many
/// addresses is slowed down with their like, and those that are known are not.
package struct TokenBuckets<Key: Hashable & Sendable>: Sendable {
  private let interval: Int64
  private let burst: Int64
  private let capacity: Int
  private var fullAt: [Key: Int64] = [:]
  private var sharedFullAt: Int64 = 0
  private var sweepAt: Int64 = 0

  private static var second: Int64 { 1_000_000_000 }

  /// `rate` requests a second, and `burst` seconds of them at once, for at most `capacity` keys.
  package init(rate: Int, burst: Int, capacity: Int) {
    interval = Self.second / Int64(max(1, rate))
    self.burst = Int64(burst) * Self.second
    self.capacity = capacity
  }

  package var count: Int { fullAt.count }

  /// Takes `cost` requests at the time `now`, in nanoseconds; nil when there are as many, else the
  /// nanoseconds until there will be.
  package mutating func take(_ cost: Int, for key: Key, at now: Int64) -> Int64? {
    let known = fullAt[key]
    if known == nil, fullAt.count >= capacity { sweep(now) }
    let isShared = known == nil && fullAt.count >= capacity
    let start = max(isShared ? sharedFullAt : known ?? now, now)
    let end = start + Int64(cost) * interval
    guard end - now <= max(burst, Int64(cost) * interval) else { return end - now - burst }
    if isShared { sharedFullAt = end } else { fullAt[key] = end }
    return nil
  }

  /// Drops the buckets that are full, at most once a second, since it looks at all of them.
  private mutating func sweep(_ now: Int64) {
    guard now >= sweepAt else { return }
    sweepAt = now + Self.second
    fullAt = fullAt.filter { $0.value > now }
  }
}

/// The rates of a server: for each address before a request is read, and for each principal after
/// it is known.
final class RateLimiter: Sendable {
  /// An identity without its process and claims: pipelines of one subject share one rate.
  struct Identity: Hashable, Sendable {
    private let kind: Principal.Kind
    private let issuer: String
    private let name: String
    private let cluster: String?

    init(_ principal: Principal) {
      kind = principal.kind
      issuer = principal.issuer
      name = principal.name
      cluster = principal.cluster
    }
  }

  /// Seconds of requests that may come at once.
  private static let burst = 2
  private static let capacity = 16_384

  private let addresses: Mutex<TokenBuckets<ArraySlice<UInt8>>>?
  private let principals: Mutex<TokenBuckets<Identity>>?

  init(_ limits: HTTPLimits) {
    func buckets<Key>(_ rate: Int) -> TokenBuckets<Key> {
      TokenBuckets(rate: rate, burst: Self.burst, capacity: Self.capacity)
    }
    addresses = limits.requestsPerAddress > 0 ? Mutex(buckets(limits.requestsPerAddress)) : nil
    principals = limits.requestsPerPrincipal > 0 ? Mutex(buckets(limits.requestsPerPrincipal)) : nil
  }

  /// The seconds to wait, at least 1; nil when the request may go on.
  ///
  /// An IPv6 address counts by its first 64 bits: the rest is the client's to choose.
  func delay(_ address: NetworkAddress, cost: Int) -> Int? {
    let key = address.bytes.prefix(address.isIPv6 ? 8 : 4)
    return seconds(addresses?.withLock { $0.take(cost, for: key, at: Self.now) } ?? nil)
  }

  /// The seconds to wait, at least 1; nil when the request may go on.
  func delay(_ principal: Principal, cost: Int) -> Int? {
    let key = Identity(principal)
    return seconds(principals?.withLock { $0.take(cost, for: key, at: Self.now) } ?? nil)
  }

  private func seconds(_ nanoseconds: Int64?) -> Int? {
    nanoseconds.map { Int(($0 + 999_999_999) / 1_000_000_000) }
  }

  private static var now: Int64 { Int64(clamping: NIODeadline.now().uptimeNanoseconds) }
}
