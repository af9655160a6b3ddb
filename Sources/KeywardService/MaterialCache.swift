package import KeywardCrypto
package import KeywardModel
import Synchronization

/// Unwrapped key material that was used lately: bounded, in locked memory, gone with the seal.
///
/// 100,000 keys stay wrapped; only those in use are in the clear.
package final class MaterialCache: Sendable {
  /// Which version of which key.
  package struct Reference: Hashable, Sendable {
    package let key: KeyID
    package let version: Int

    package init(key: KeyID, version: Int) {
      self.key = key
      self.version = version
    }
  }

  /// Material in the form that its operations use.
  package enum Entry: Sendable {
    case symmetric(SecretBox)
    case keyPair(PrivateKey)
  }

  private struct Slots {
    var entries: [Reference: Entry] = [:]
    /// Insertion order, oldest first; the front is dropped when the cache is full.
    var order: [Reference] = []
  }

  private let capacity: Int
  private let slots = Mutex(Slots())

  /// Keeps at most `capacity` versions.
  package init(capacity: Int) {
    self.capacity = max(1, capacity)
  }

  package func entry(_ reference: Reference) -> Entry? {
    slots.withLock { $0.entries[reference] }
  }

  package func insert(_ entry: Entry, for reference: Reference) {
    slots.withLock { slots in
      if slots.entries.updateValue(entry, forKey: reference) == nil {
        slots.order.append(reference)
      }
      // Dropping an eighth at once keeps the cost of `removeFirst` small.
      if slots.order.count > capacity {
        for victim in slots.order.prefix(max(1, capacity / 8)) { slots.entries[victim] = nil }
        slots.order.removeFirst(max(1, capacity / 8))
      }
    }
  }

  /// Forgets one version: it was destroyed, suspended or rewrapped.
  package func remove(_ reference: Reference) {
    slots.withLock { slots in
      guard slots.entries.removeValue(forKey: reference) != nil else { return }
      slots.order.removeAll { $0 == reference }
    }
  }

  package func removeAll() {
    slots.withLock { slots in
      slots.entries = [:]
      slots.order = []
    }
  }
}
