import KeywardCrypto

/// Values by a 32-byte digest, looked up in the same time whether the digest is there or not.
///
/// A look-up always lands on a value, the nearest one, and the caller compares the digests in constant
/// time: there is no branch that only the known take (V10).
package struct DigestIndex<Value: Sendable>: Sendable {
  struct Slot: Sendable {
    let digest: [UInt8]
    let value: Value
  }

  /// The first half of each digest, ascending; no two digests share it, as they are hashes.
  private var prefixes: [UInt128] = []
  private var slots: [Slot] = []

  package init() {}

  /// Digests of another length than 32 bytes are left out.
  package init(_ values: [([UInt8], Value)]) {
    slots = values.filter { $0.0.count == 32 }.map { Slot(digest: $0.0, value: $0.1) }
      .sorted { Self.prefix($0.digest) < Self.prefix($1.digest) }
    prefixes = slots.map { Self.prefix($0.digest) }
  }

  package var count: Int { slots.count }
  package var values: [Value] { slots.map(\.value) }

  /// Puts a value in; one with the same digest goes.
  package mutating func insert(_ digest: CredentialDigest, _ value: Value) {
    remove(digest)
    let prefix = Self.prefix(digest.bytes)
    let place = (index(of: prefix) ?? -1) + 1
    let position = prefixes.isEmpty || prefixes[0] > prefix ? 0 : place
    prefixes.insert(prefix, at: position)
    slots.insert(Slot(digest: digest.bytes, value: value), at: position)
  }

  package mutating func remove(_ digest: CredentialDigest) {
    guard let found = index(of: Self.prefix(digest.bytes)), slots[found].digest == digest.bytes
    else { return }
    prefixes.remove(at: found)
    slots.remove(at: found)
  }

  /// The value nearest to a digest, and whether it is that digest's; nil only when there is none at
  /// all.
  func nearest(to digest: [UInt8]) -> (value: Value, isExact: Bool)? {
    guard let found = index(of: Self.prefix(digest)) else { return nil }
    return (slots[found].value, constantTimeEquals(slots[found].digest, digest))
  }

  /// The last prefix that is not above `prefix`, or the first: as many steps for each.
  private func index(of prefix: UInt128) -> Int? {
    guard !prefixes.isEmpty else { return nil }
    var base = 0
    var size = prefixes.count
    while size > 1 {
      let half = size / 2
      base = prefixes[base + half] <= prefix ? base + half : base
      size -= half
    }
    return base
  }

  private static func prefix(_ digest: [UInt8]) -> UInt128 {
    digest.prefix(16).reduce(0) { $0 << 8 | UInt128($1) }
  }
}
