package import KeywardCrypto
package import KeywardModel

/// A bundle whose key is at hand and whose MAC holds.
package final class OpenBundle: Sendable {
  package let bundle: Bundle
  let key: SecretBox
  private let keys: BundleKeys

  init(_ bundle: Bundle, key: SecretBox) throws(CryptoError) {
    self.bundle = bundle
    self.key = key
    keys = try BundleKeys(key.bytes)
    guard try keys.verify(bundle.authenticated, bundle.mac) else { throw .authenticationFailed }
  }

  /// The value of an entry of this bundle.
  package func value(of entry: Bundle.Entry) throws(PipelineError) -> SecretBox {
    do throws(CryptoError) {
      let label = BundleKeys.label(bundle.environment, entry.reference)
      return SecretBox(try keys.open(entry.sealed, as: label))
    } catch .authenticationFailed {
      throw PipelineError(.verification, "The value of \(entry.reference) does not open.")
    } catch {
      throw .outOfSecureMemory
    }
  }

  /// The entry that answers a reference: of that version, or of whichever one there is.
  package func entry(for reference: SecretReference) -> Bundle.Entry? {
    bundle.entries.first { entry in
      entry.reference.secret == reference.secret && entry.reference.field == reference.field
        && (reference.version == nil || reference.version == entry.reference.version)
    }
  }
}
