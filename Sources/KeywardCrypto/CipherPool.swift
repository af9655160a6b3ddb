import COpenSSL
import Glibc
import Synchronization

/// Cipher contexts of one algorithm, kept between operations.
///
/// A new context costs as much as encrypting 100 bytes. A kept one holds the key schedule of its
/// last key, so `forget()` frees them all: a sealed server has none.
final class CipherPool: Sendable {
  /// One context behind a lock that is held for one operation.
  private final class Slot: Sendable {
    let context = Mutex<Context>(Context())
  }

  private struct Context: ~Copyable, @unchecked Sendable {
    // Unchecked: reached only under the lock of its slot.
    var pointer: OpaquePointer?

    init(pointer: OpaquePointer? = nil) { self.pointer = pointer }

    deinit { EVP_CIPHER_CTX_free(pointer) }
  }

  private enum Outcome {
    case noContext
    case ran(Bool)
  }

  private let name: String
  private let slots: [Slot]
  private let cipher: Fetched?

  private init(_ name: String) {
    OpenSSL.prepare()
    self.name = name
    slots = (0..<16).map { _ in Slot() }
    cipher = EVP_CIPHER_fetch(nil, name, nil).map(Fetched.init)
  }

  /// Runs `body` with a context of this cipher that no other thread uses, and returns its answer.
  ///
  /// `body` must set key and nonce. Threads start at different slots; when all are busy a context is
  /// made for the one operation.
  func withContext(_ body: (OpaquePointer) -> Bool) throws(CryptoError) -> Bool {
    let start = Int(truncatingIfNeeded: UInt(pthread_self()) >> 12)
    for attempt in 0..<4 {
      let slot = slots[(start &+ attempt) & 15]
      let outcome = slot.context.withLockIfAvailable { (held) -> Outcome in
        if held.pointer == nil { held.pointer = makeContext() }
        guard let context = held.pointer else { return .noContext }
        let before = Self.forgotten.load(ordering: .acquiring)
        let answer = body(context)
        // A seal that came in between must not leave this key's schedule behind.
        if Self.forgotten.load(ordering: .acquiring) != before { held = Context() }
        return .ran(answer)
      }
      switch outcome {
      case nil: continue
      case .noContext: throw OpenSSL.failure(name)
      case .ran(let answer): return answer
      }
    }
    guard let context = makeContext() else { throw OpenSSL.failure(name) }
    defer { EVP_CIPHER_CTX_free(context) }
    return body(context)
  }

  private func makeContext() -> OpaquePointer? {
    guard let cipher, let context = EVP_CIPHER_CTX_new() else { return nil }
    // EVP_CIPHER_CTX_FLAG_WRAP_ALLOW: OpenSSL refuses the key wrap modes without it.
    EVP_CIPHER_CTX_set_flags(context, 1)
    guard EVP_CipherInit_ex2(context, cipher.pointer, nil, nil, 1, nil) == 1 else {
      EVP_CIPHER_CTX_free(context)
      return nil
    }
    return context
  }

  /// Frees every context, waiting for operations under way.
  private func forget() {
    for slot in slots {
      slot.context.withLock { $0 = Context() }
    }
  }

  /// How often all were forgotten.
  private static let forgotten = Atomic<UInt64>(0)

  static func forgetAll() {
    forgotten.add(1, ordering: .acquiringAndReleasing)
    for pool in all { pool.forget() }
  }

  static let aes128GCM = CipherPool("AES-128-GCM")
  static let aes256GCM = CipherPool("AES-256-GCM")
  static let chacha20Poly1305 = CipherPool("ChaCha20-Poly1305")
  static let aes128CTR = CipherPool("AES-128-CTR")
  static let aes256CTR = CipherPool("AES-256-CTR")
  static let chacha20 = CipherPool("ChaCha20")
  static let aes128Wrap = CipherPool("AES-128-WRAP")
  static let aes192Wrap = CipherPool("AES-192-WRAP")
  static let aes256Wrap = CipherPool("AES-256-WRAP")
  static let aes128WrapPad = CipherPool("AES-128-WRAP-PAD")
  static let aes192WrapPad = CipherPool("AES-192-WRAP-PAD")
  static let aes256WrapPad = CipherPool("AES-256-WRAP-PAD")

  private static let all = [
    aes128GCM, aes256GCM, chacha20Poly1305, aes128CTR, aes256CTR, chacha20,
    aes128Wrap, aes192Wrap, aes256Wrap, aes128WrapPad, aes192WrapPad, aes256WrapPad,
  ]
}
