import Dispatch
import KeywardCrypto
import KeywardKMSPlugin
import KeywardSystem
import Synchronization

/// A key management backend without keys: it turns bytes over and appends a check byte.
///
/// A uid of `late` is answered after 2 s, every other call from another thread at once.
final class MemoryBackend: KeyManagementBackend {
  let keyID = Mutex("kw1.test-key")
  let statusFailure = Mutex<KMSFailure?>(nil)
  let decrypts = Atomic(0)
  let annotations: [String: [UInt8]] = ["note.keyward.dev": [0, 0xFF]]

  func status(_ connection: KMSConnection) -> Result<KMSStatus, KMSFailure> {
    if let failure = statusFailure.withLock({ $0 }) { return .failure(failure) }
    let status = KMSStatus(keyID: keyID.withLock { $0 })
    connection.pinned = status
    return .success(status)
  }

  func encrypt(
    _ connection: KMSConnection,
    plaintext: consuming SecretBytes,
    uid: String,
    reply: @escaping @Sendable (Result<KMSEncryption, KMSFailure>) -> Void
  ) {
    let turned = Self.turned(plaintext.revealed())
    let ciphertext = turned + [Self.check(turned)]
    let pinned = (connection.pinned as? KMSStatus)?.keyID ?? keyID.withLock { $0 }
    let encryption = KMSEncryption(
      ciphertext: ciphertext,
      keyID: pinned,
      annotations: annotations
    )
    let delay: DispatchTimeInterval = uid == "late" ? .seconds(2) : .nanoseconds(0)
    DispatchQueue.global().asyncAfter(deadline: .now() + delay) { reply(.success(encryption)) }
  }

  func decrypt(
    _ connection: KMSConnection,
    ciphertext: [UInt8],
    keyID: String,
    annotations: [String: [UInt8]],
    uid: String,
    reply: @escaping @Sendable (Result<SecretBox, KMSFailure>) -> Void
  ) {
    decrypts.add(1, ordering: .relaxed)
    guard keyID.hasPrefix("kw1.") else {
      return reply(.failure(KMSFailure(.notFound, "unknown key_id")))
    }
    guard ciphertext.last == Self.check(ciphertext.dropLast()), annotations == self.annotations
    else {
      return reply(.failure(KMSFailure(.invalidArgument, "the ciphertext does not open")))
    }
    let bytes = Self.turned(ciphertext.dropLast())
    DispatchQueue.global().async {
      do throws(CryptoError) {
        reply(.success(SecretBox(try SecretBytes.fixture(bytes))))
      } catch {
        reply(.failure(KMSFailure(.internal, "no memory")))
      }
    }
  }

  private static func check(_ bytes: some Sequence<UInt8>) -> UInt8 {
    bytes.reduce(0, ^) ^ 0x5A
  }

  private static func turned(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    bytes.map { ~$0 }
  }
}
