/// The entries since the last checkpoint, hashed in every way that their checkpoint may confirm.
///
/// Three spans run side by side: over the entries, over the leaf hashes stored beside them, and
/// over the stored range hashes. Which of them leads to the signed root tells what was changed.
struct AuditSegment: Sendable {
  /// A range line and what the entries under it said.
  struct Part: Sendable {
    let entries: Range<UInt64>
    let line: UInt64?
    let entriesAgree: Bool
    let storedAgree: Bool
  }

  /// An entry whose stored leaf hash is not its hash.
  struct Mismatch: Sendable {
    let index: UInt64
    let line: UInt64?
  }

  /// The most mismatches kept; past it the whole segment is reported.
  static let maximumMismatches = 4096

  /// The index of its first entry.
  let start: UInt64
  /// The frontier at `start`, if a checkpoint vouches for it.
  let base: Frontier?
  private(set) var mismatches: [Mismatch] = []
  private(set) var parts: [Part] = []
  /// Where the part that no range line has closed begins.
  private(set) var openStart: UInt64

  private var computed: CompactRange?
  private var stored: CompactRange?
  private var claimed: CompactRange?
  private var openComputed: CompactRange?
  /// `nil` while every stored hash equals the computed one.
  private var openStored: CompactRange?
  private var hasMismatch = false

  init(start: UInt64, base: Frontier?) {
    self.start = start
    self.base = base
    openStart = start
    computed = CompactRange(start: start)
    stored = CompactRange(start: start)
    claimed = CompactRange(start: start)
    openComputed = CompactRange(start: start)
  }

  /// Takes the next entry's own hash and the stored one.
  mutating func append(leafHash: [UInt8], stored: [UInt8], index: UInt64, line: UInt64?) {
    if leafHash != stored {
      hasMismatch = true
      if mismatches.count < Self.maximumMismatches {
        mismatches.append(Mismatch(index: index, line: line))
      }
      if openStored == nil { openStored = openComputed }
    }
    Self.extend(&openStored, stored)
    Self.extend(&openComputed, leafHash)
  }

  /// Entries are missing or misplaced: no span reaches the end of this part, nor of the segment.
  mutating func breakOff() {
    openComputed = nil
    openStored = nil
    computed = nil
    stored = nil
  }

  /// Closes a part with the stored hashes of its range.
  mutating func close(_ range: CompactRange, line: UInt64?) {
    parts.append(
      Part(
        entries: range.start..<range.end,
        line: line,
        entriesAgree: openComputed == range,
        storedAgree: (openStored ?? openComputed) == range
      )
    )
    Self.extend(&claimed, range)
    mergeOpen()
    openStart = range.end
    openComputed = CompactRange(start: range.end)
  }

  /// The stored range hashes do not fit the entries they follow: the chain of them is broken.
  mutating func dropClaims(at index: UInt64) {
    claimed = nil
    mergeOpen()
    openStart = index
    openComputed = CompactRange(start: index)
  }

  /// Ends the segment's last part, which needs no range line.
  mutating func finish() {
    mergeOpen()
  }

  /// The frontier that the entries lead to.
  var byEntries: Frontier? { extended(base, by: computed) }
  /// The frontier that the stored leaf hashes lead to; `nil` if too many differ to name them.
  var byStoredHashes: Frontier? {
    hasMismatch && mismatches.count < Self.maximumMismatches ? extended(base, by: stored) : nil
  }
  /// The frontier that the stored range hashes lead to.
  var byRanges: Frontier? { parts.isEmpty ? nil : extended(base, by: claimed) }

  /// What the entries lead to from another frontier at `start`.
  func byEntries(from frontier: Frontier) -> Frontier? { extended(frontier, by: computed) }

  private func extended(_ frontier: Frontier?, by range: CompactRange?) -> Frontier? {
    guard var frontier, let range else { return nil }
    do { try frontier.append(range) } catch { return nil }
    return frontier
  }

  private mutating func mergeOpen() {
    Self.extend(&stored, openStored ?? openComputed)
    Self.extend(&computed, openComputed)
    openComputed = nil
    openStored = nil
  }

  private static func extend(_ range: inout CompactRange?, _ next: CompactRange?) {
    guard var extended = range.take(), let next else {
      range = nil
      return
    }
    do { try extended.append(next) } catch { return }
    range = extended
  }

  private static func extend(_ range: inout CompactRange?, _ leafHash: [UInt8]) {
    guard var extended = range.take() else { return }
    do { try extended.append(leafHash: leafHash) } catch { return }
    range = extended
  }
}
