package import KeywardModel
import Synchronization

/// All keys of an unsealed store, in memory; reads never wait for a write to disk.
///
/// `Key` values are immutable: a reader that holds one keeps a consistent view. The lock guards only
/// the look-up tables and is held for one look-up or one replacement.
package final class KeyDirectory: Sendable {
  private struct Tables {
    var byID: [KeyID: Key] = [:]
    var byName: [KeyName: Key] = [:]
    var byKMSKeyID: [KMSKeyID: (key: KeyID, version: Int)] = [:]
    /// Names in order, made when a listing first asks for them; nil after a name came or went.
    var sortedNames: [KeyName]?
    /// How often a name came or went.
    var changes = 0
  }

  private let tables: Mutex<Tables>

  package init(_ keys: [Key]) {
    var tables = Tables()
    tables.byID.reserveCapacity(keys.count)
    tables.byName.reserveCapacity(keys.count)
    tables.byKMSKeyID.reserveCapacity(keys.count)
    for key in keys { KeyDirectory.insert(key, into: &tables) }
    self.tables = Mutex(tables)
  }

  /// The number of keys that have not been deleted.
  package var count: Int { tables.withLock { $0.byName.count } }

  /// The key that bears `name` now.
  package func key(named name: KeyName) -> Key? {
    tables.withLock { $0.byName[name] }
  }

  /// The key of an identity, also a deleted one.
  package func key(_ id: KeyID) -> Key? {
    tables.withLock { $0.byID[id] }
  }

  /// The key version that a KMS `key_id` stands for, also of a deleted key.
  package func version(kmsKeyID: KMSKeyID) -> (key: Key, version: KeyVersion)? {
    tables.withLock { tables in
      guard let place = tables.byKMSKeyID[kmsKeyID], let key = tables.byID[place.key],
        let version = key.version(place.version)
      else { return nil }
      return (key, version)
    }
  }

  /// Puts `key` in the place of its former record, or adds it.
  package func put(_ key: Key) {
    tables.withLock { KeyDirectory.insert(key, into: &$0) }
  }

  /// Up to `limit` keys after the name `cursor`, in the order of names, that begin with `prefix`.
  ///
  /// Only keys that satisfy `condition` are in it. `next` is what the next page begins after, nil at
  /// the end; a page looks at no more than 10,000 keys, so it can be short and not the last.
  package func page(
    prefix: String,
    after cursor: KeyName?,
    limit: Int,
    where condition: (Key) -> Bool
  ) -> (keys: [Key], next: KeyName?) {
    let names = sortedNames()
    var result: [Key] = []
    var index = KeyDirectory.firstIndex(in: names, prefix: prefix, after: cursor)
    let end = index + 10_000
    while index < names.count, names[index].description.hasPrefix(prefix) {
      if let key = key(named: names[index]), condition(key) {
        if result.count == limit { return (result, result.last?.name) }
        result.append(key)
      }
      index += 1
      if index == end { return (result, names[index - 1]) }
    }
    return (result, nil)
  }

  /// All names in order; they are sorted outside the lock, which the KMS sockets need too.
  private func sortedNames() -> [KeyName] {
    let (sorted, names, changes) = tables.withLock { tables in
      (
        tables.sortedNames, tables.sortedNames == nil ? Array(tables.byName.keys) : [],
        tables.changes
      )
    }
    if let sorted { return sorted }
    let made = names.sorted()
    tables.withLock { if $0.changes == changes { $0.sortedNames = made } }
    return made
  }

  /// Every key, deleted ones too, in no order.
  package func all() -> [Key] {
    tables.withLock { Array($0.byID.values) }
  }

  private static func insert(_ key: Key, into tables: inout Tables) {
    let former = tables.byID.updateValue(key, forKey: key.id)
    if key.deletedAt == nil {
      if tables.byName.updateValue(key, forKey: key.name) == nil {
        tables.sortedNames = nil
        tables.changes += 1
      }
    } else if let former, former.deletedAt == nil {
      tables.byName[key.name] = nil
      tables.sortedNames = nil
      tables.changes += 1
    }
    for version in key.versions.dropFirst(former?.versions.count ?? 0) {
      tables.byKMSKeyID[version.kmsKeyID] = (key.id, version.number)
    }
  }

  private static func firstIndex(
    in names: [KeyName],
    prefix: String,
    after cursor: KeyName?
  ) -> Int {
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      let name = names[middle]
      let isBefore = cursor.map { name <= $0 } ?? false || name.description < prefix
      if isBefore { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
