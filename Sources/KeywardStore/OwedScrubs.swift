/// What was removed and may still be in the file, by the salts of its envelopes.
///
/// They stand in groups, each small enough to be searched for at once.
struct OwedScrubs {
  /// The bytes of a salt: 24 random ones, after suite and version of an envelope
  /// (docs/formats/envelope.md).
  static let saltBytes = 24
  /// The most salts that are kept; what comes in beyond them is owed without being known.
  static let mostKept = 4096

  /// What the next search is for.
  struct Search {
    let salts: [[UInt8]]
    /// The last group of it.
    let group: UInt64
    /// Whether the file has to be rebuilt unseen: some of what is owed is not known.
    let isRebuild: Bool
  }

  private var groups: [(number: UInt64, salts: [[UInt8]])] = []
  private var lastGroup: UInt64 = 0
  private(set) var kept = 0
  /// The last group of which nothing is known but that it is owed.
  private var unknown: UInt64?
  /// The last group that a process before this one left.
  ///
  /// Its change may never have come about: what a rebuilt file has of it is there by right.
  private var lastInherited: UInt64 = 0

  init() {}

  /// Takes over what the mark of a process before this one says.
  init(mark: [UInt8]) {
    let salts = stride(from: 0, through: mark.count - Self.saltBytes, by: Self.saltBytes).map {
      Array(mark[$0..<$0 + Self.saltBytes])
    }
    add(salts: salts)
    lastInherited = lastGroup
  }

  var isEmpty: Bool { groups.isEmpty && unknown == nil }

  static func salts(of envelopes: [[UInt8]]) -> [[UInt8]] {
    envelopes.filter { $0.count >= 5 + saltBytes }.map { Array($0[5..<5 + saltBytes]) }
  }

  /// Adds what one change removed.
  mutating func add(_ envelopes: [[UInt8]]) { add(salts: Self.salts(of: envelopes)) }

  private mutating func add(salts: [[UInt8]]) {
    guard kept + salts.count <= Self.mostKept else {
      lastGroup += 1
      unknown = lastGroup
      return
    }
    kept += salts.count
    for start in stride(from: 0, to: salts.count, by: SQLiteStore.mostSearched) {
      lastGroup += 1
      let end = min(start + SQLiteStore.mostSearched, salts.count)
      groups.append((lastGroup, Array(salts[start..<end])))
    }
  }

  /// The next search: as many groups as are looked for at once.
  var next: Search {
    var salts: [[UInt8]] = []
    var last: UInt64 = 0
    for group in groups {
      guard salts.count + group.salts.count <= SQLiteStore.mostSearched else { break }
      salts += group.salts
      last = group.number
    }
    return Search(salts: salts, group: last, isRebuild: unknown != nil)
  }

  /// The search of all that is owed, which the file was rebuilt for.
  var rebuild: Search {
    Search(salts: groups.flatMap(\.salts), group: lastGroup, isRebuild: true)
  }

  /// Those salts of which a rebuilt file can have nothing.
  var certain: [[UInt8]] {
    groups.filter { $0.number > lastInherited }.flatMap(\.salts)
  }

  /// Takes out what a search has settled.
  mutating func settle(_ search: Search) {
    groups.removeAll { $0.number <= search.group }
    kept = groups.reduce(0) { $0 + $1.salts.count }
    if search.isRebuild, let unknown, unknown <= search.group { self.unknown = nil }
  }
}
