import KeywardCrypto
import KeywardKeyring
import KeywardModel
package import KeywardService
import Synchronization

/// A key file in memory, which a test can take away, exchange and put back.
package final class SealKeyFile: Sendable {
  private let content: Mutex<[UInt8]?>

  /// A file of 32 bytes that are all different.
  package init() {
    content = Mutex((0..<32).map { UInt8($0 * 7 + 3) })
  }

  /// What the file holds; nil stands for a missing file.
  package var bytes: [UInt8]? {
    get { content.withLock { $0 } }
    set { content.withLock { $0 = newValue } }
  }

  /// The source that a server would be configured with.
  package var source: SealSource {
    SealSource(kind: .keyFile) { self.read() }
  }

  private func read() -> Result<SecretBox, ServiceError> {
    guard let bytes else {
      return .failure(ServiceError(.unavailable, "The seal's key file cannot be used: missing."))
    }
    return Result { () throws(ServiceError) in try SecretBox.of(bytes) }
  }
}
