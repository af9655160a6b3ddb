import KeywardKeyring
import KeywardModel

/// The versions that one fetch has opened: two fields of a secret take one decryption.
final class OpenedVersions {
  private var versions: [String: SecretValues] = [:]
  private var bytes = 0

  func values(
    _ entry: SecretBook.Entry,
    _ version: SecretVersion,
    _ keyring: Keyring
  ) throws(ServiceError) -> SecretValues {
    let id = entry.secret.versionRecordID(version.number)
    if let known = versions[id] { return known }
    let opened = try SecretValues(opening: entry, version, keyring)
    versions[id] = opened
    return opened
  }

  /// Counts bytes against the limit of a fetch.
  func take(_ count: Int) -> Bool {
    bytes += count
    return bytes <= SecretLimits.fetchBytes
  }
}
