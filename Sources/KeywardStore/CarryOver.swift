import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// What a restore keeps of the store that it replaces: every limit that can only tighten.
///
/// Attributes become as tight as both; a version that was destroyed, compromised or suspended since
/// the backup is so again; a deleted key is deleted. A version is the same if its `key_id` is: after
/// a restore and a rotation, one number can stand for two.
struct CarryOver {
  /// A key of the backup and what becomes of it.
  struct Change {
    let old: Key
    let new: Key
  }

  private let keyring: Keyring
  private(set) var changes: [Change] = []
  /// One line for each key that changes.
  private(set) var words: [String] = []

  init(keyring: Keyring) {
    self.keyring = keyring
  }

  /// Compares the keys of the existing store with those of the backup.
  mutating func apply(_ existing: [Key], to restored: [Key]) throws(KeyringError) {
    var byID: [KeyID: Key] = [:]
    for key in restored { byID[key.id] = key }
    for theirs in existing {
      guard let ours = byID[theirs.id] else { continue }
      var notes: [String] = []
      let attributes = ours.attributes.tightened(by: theirs.attributes)
      if attributes != ours.attributes { notes.append("attributes tightened") }
      var versions = ours.versions
      for index in versions.indices {
        guard let other = theirs.version(versions[index].number),
          other.kmsKeyID == versions[index].kmsKeyID,
          let note = CarryOver.tighten(&versions[index], by: other)
        else { continue }
        notes.append("version \(versions[index].number) \(note)")
      }
      if theirs.deletedAt != nil && ours.deletedAt == nil { notes.append("deleted") }
      guard !notes.isEmpty else { continue }
      let tight = ours.with(
        attributes: attributes,
        deletedAt: theirs.deletedAt ?? ours.deletedAt,
        versions: versions
      )
      let new = try rewrapped(tight, from: ours)
      changes.append(Change(old: ours, new: new))
      words.append("\(ours.name): " + notes.joined(separator: ", "))
    }
  }

  func write(to transaction: any StoreTransaction) throws {
    for change in changes {
      try transaction.updateKey(change.new, from: change.old)
      for (new, old) in zip(change.new.versions, change.old.versions) where new != old {
        try transaction.updateVersion(new, from: old, of: change.new.id)
      }
    }
  }

  /// Makes a version as tight as `other`; returns what that was, nil for nothing.
  private static func tighten(_ version: inout KeyVersion, by other: KeyVersion) -> String? {
    switch (other.state, version.state) {
    case (.destroyed, let state) where state != .destroyed:
      version.state = .destroyed
      version.material = []
      version.deactivatedAt = version.deactivatedAt ?? other.deactivatedAt
      version.destroyAt = other.destroyAt
      version.destroyedAt = other.destroyedAt
      return "destroyed"
    case (.compromised, let state) where state != .compromised && state != .destroyed:
      version.state = .compromised
      version.deactivatedAt = version.deactivatedAt ?? other.deactivatedAt
      version.destroyAt = other.destroyAt ?? version.destroyAt
      return "compromised"
    case (.suspended, .active):
      version.state = .suspended
      version.destroyAt = other.destroyAt ?? version.destroyAt
      return "suspended"
    default:
      guard version.state != .destroyed, version.destroyAt == nil, let due = other.destroyAt else {
        return nil
      }
      version.destroyAt = due
      return "scheduled for destruction"
    }
  }

  /// The same key with its material wrapped for its new attributes: `never_exportable` is part of
  /// what material is bound to.
  private func rewrapped(_ key: Key, from old: Key) throws(KeyringError) -> Key {
    guard key.attributes.neverExportable != old.attributes.neverExportable else { return key }
    var versions = key.versions
    for index in versions.indices where !versions[index].material.isEmpty {
      let number = UInt32(clamping: versions[index].number)
      let material = try keyring.unwrapMaterial(
        versions[index].material,
        CarryOver.context(old, number)
      )
      versions[index].material = try keyring.wrapMaterial(
        material,
        CarryOver.context(key, number)
      )
    }
    return key.with(versions: versions)
  }

  private static func context(_ key: Key, _ version: UInt32) -> MaterialContext {
    MaterialContext(
      key: key.id,
      version: version,
      type: key.type,
      neverExportable: key.attributes.neverExportable
    )
  }
}
