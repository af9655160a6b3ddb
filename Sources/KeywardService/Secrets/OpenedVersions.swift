import KeywardKeyring
import KeywardModel

/// The versions that one fetch has opened: two fields of a secret take one decryption.
final class OpenedVersions {
  private var versions: [String: SecretValues] = [:]
  private var opened = 0
  private var given = 0

  func values(
    _ entry: SecretBook.Entry,
    _ version: SecretVersion,
    _ keyring: Keyring
  ) throws(ServiceError) -> SecretValues {
    let id = entry.secret.versionRecordID(version.number)
    if let known = versions[id] { return known }
    // Before it is opened: a version is opened whole, and all of them stay until the fetch is over.
    opened += version.fields.reduce(0) { $0 + $1.length }
    guard opened <= SecretLimits.fetchBytes else {
      throw ServiceError(
        .limitExceeded,
        "The versions that one fetch opens have at most \(SecretLimits.fetchBytes) bytes.",
        remedy: "Fetch fewer secrets at a time."
      )
    }
    let values = try SecretValues(opening: entry, version, keyring)
    versions[id] = values
    return values
  }

  /// Counts bytes that are given against the limit of a fetch.
  func give(_ count: Int) -> Bool {
    given += count
    return given <= SecretLimits.fetchBytes
  }
}
