import CKeywardShims
import COpenSSL
import Synchronization

/// The arena in which every secret lives.
///
/// Chunks of memfd_secret(2) memory where the kernel has it, else of locked memory outside core
/// dumps; guard pages around each; wiped on free. It grows up to a limit and then refuses.
package enum SecureMemory {
  package static let defaultLimit = 64 << 20

  /// What the chunks are made of.
  package enum Backing: Sendable {
    case memfdSecret
    case mlock
    /// Nothing is mapped yet.
    case unlocked
  }

  /// The state of the arena; sizes in bytes.
  package struct Report: Sendable {
    package let backing: Backing
    package let limit: Int
    package let mapped: Int
    package let inUse: Int
    package let peak: Int
    /// Working areas of scrypt, outside the limit and locked only as far as RLIMIT_MEMLOCK lets.
    package let scratch: Int
    /// Whether OpenSSL's own heap is in the arena too.
    package let opensslRouted: Bool
    /// The addresses of all chunks.
    package let ranges: [Range<UInt>]
  }

  private struct State {
    var activated = false
    var routed = false
  }

  private static let state = Mutex(State())

  /// Sets the limit in bytes and moves OpenSSL's heap into the arena.
  ///
  /// To be called first in `main`: OpenSSL lets its allocator be replaced only before its first
  /// allocation (CRYPTO_set_mem_functions(3)). Without it, as in client commands, secrets still live
  /// in the arena, but EVP contexts do not; `report.opensslRouted` says which. Later calls change
  /// the limit only.
  package static func activate(limit: Int = defaultLimit) throws(CryptoError) {
    try activate(limit: limit, backing: .unlocked)
  }

  /// The same with a fixed kind of memory, so that the fallback can be tested.
  package static func activate(limit: Int, backing: Backing) throws(CryptoError) {
    guard limit >= 2 << 20 else { throw .invalidInput("the arena needs at least 2 MiB") }
    let kind: Int
    switch backing {
    case .memfdSecret: kind = KW_BACKING_MEMFD_SECRET
    case .mlock: kind = KW_BACKING_MLOCK
    case .unlocked: kind = KW_BACKING_NONE
    }
    kw_memory_configure(limit, Int32(kind))
    try state.withLock { state throws(CryptoError) in
      guard !state.activated else { return }
      state.activated = true
      guard kw_memory_reserve() == 1 else { throw .outOfSecureMemory }
      state.routed =
        CRYPTO_set_mem_functions(kw_openssl_malloc, kw_openssl_realloc, kw_openssl_free) == 1
    }
    OpenSSL.prepare()
    // Map now: a host that refuses locked memory is told at start, not at the first key.
    _ = try SecretBytes(count: 1)
  }

  /// Frees every cipher context that is kept for reuse, and with it the last key schedules.
  ///
  /// To be called on seal, after the keys themselves are released.
  package static func forgetKeySchedules() {
    CipherPool.forgetAll()
  }

  package static var report: Report {
    let stats = kw_memory_report()
    let backing: Backing
    switch Int(stats.backing) {
    case KW_BACKING_MEMFD_SECRET: backing = .memfdSecret
    case KW_BACKING_MLOCK: backing = .mlock
    default: backing = .unlocked
    }
    return Report(
      backing: backing,
      limit: stats.limit,
      mapped: stats.mapped,
      inUse: stats.in_use,
      peak: stats.peak,
      scratch: stats.scratch,
      opensslRouted: state.withLock { $0.routed },
      ranges: ranges()
    )
  }

  private static func ranges() -> [Range<UInt>] {
    var found = [kw_memory_range](repeating: kw_memory_range(), count: 4096)
    let count = min(kw_memory_ranges(&found, found.count), found.count)
    return found[..<count].map { UInt($0.start)..<UInt($0.end) }
  }
}
