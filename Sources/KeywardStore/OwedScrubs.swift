/// What was removed and may still be in the file, by the salts of its envelopes.
///
/// Each change that removed something is a group; a search is for some groups at once, in their order.
struct OwedScrubs {
  /// The most salts that are kept; what comes in beyond them is owed without being known.
  private static let mostKept = 4096

  /// What the next search is for.
  struct Search {
    let salts: [[UInt8]]
    /// The last group of it.
    let group: UInt64
    /// Whether the file has to be rebuilt unseen: what is owed is too much to look for, or unknown.
    let isRebuild: Bool
  }

  private var groups: [(number: UInt64, salts: [[UInt8]])] = []
  private var lastGroup: UInt64 = 0
  private(set) var kept = 0
  /// Whether something is owed of which nothing is known any more.
  private var hasUnknown: Bool

  /// With `hasUnknown` a process before this one owed something.
  init(hasUnknown: Bool) {
    self.hasUnknown = hasUnknown
  }

  var isEmpty: Bool { groups.isEmpty && !hasUnknown }

  /// Adds what one change removed.
  mutating func add(_ envelopes: [[UInt8]]) {
    // 24 random bytes after suite and version (docs/formats/envelope.md).
    let salts = envelopes.filter { $0.count >= 29 }.map { Array($0[5..<29]) }
    guard !salts.isEmpty else { return }
    guard kept + salts.count <= Self.mostKept else {
      hasUnknown = true
      return
    }
    kept += salts.count
    lastGroup += 1
    groups.append((lastGroup, salts))
  }

  /// The next search: as many groups as are looked for at once.
  var next: Search {
    var salts: [[UInt8]] = []
    var last: UInt64 = 0
    for group in groups {
      guard salts.isEmpty || salts.count + group.salts.count <= SQLiteStore.mostSearched else {
        break
      }
      salts += group.salts
      last = group.number
    }
    return Search(
      salts: salts,
      group: last,
      isRebuild: hasUnknown || salts.count > SQLiteStore.mostSearched
    )
  }

  /// The search of all that is owed, which the file must be rebuilt for.
  var rebuild: Search {
    Search(salts: groups.flatMap(\.salts), group: lastGroup, isRebuild: true)
  }

  /// Takes out what a search has settled.
  mutating func settle(_ search: Search) {
    groups.removeAll { $0.number <= search.group }
    kept = groups.reduce(0) { $0 + $1.salts.count }
    if search.isRebuild { hasUnknown = false }
  }
}
