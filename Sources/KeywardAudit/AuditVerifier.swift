/// Verifies a log with the public key alone, in one pass, and says where it was damaged.
///
/// Feed it entries in the order they are stored, each checkpoint after the entries it covers, then
/// ``finish()``. Memory is O(log n) for each open segment plus the findings.
package struct AuditVerifier: Sendable {
  private let key: NoteVerifierKey
  private let trusted: Frontier?
  private var known: ArraySlice<Checkpoint>
  /// Known checkpoints that lie in this segment, and whether its entries lead to them.
  private var passed: [(checkpoint: Checkpoint, agrees: Bool)] = []
  /// The index that the next entry should have.
  private(set) var expected: UInt64
  /// Where the entries go on after one that went back, should they go on from there.
  private var resume: UInt64?
  private var segment: AuditSegment
  private var trustedIsSettled = false
  private var report = AuditReport()
  /// What the entries led to at a checkpoint that they did not confirm.
  private var alternate: (frontier: Frontier, size: UInt64, line: UInt64?)?

  /// Starts a verification.
  ///
  /// - Parameters:
  ///   - key: the log's verifier key; its name is the log's origin.
  ///   - first: the index of the first entry; a log that does not begin at 0 needs a checkpoint of
  ///     that size, with its frontier, before the first entry.
  ///   - trusted: the frontier at the end of the log, if the caller has authenticated it by other
  ///     means (the server's own database). Entries after it are reported as uncovered.
  ///   - known: checkpoints of this log that the caller has verified and kept: without one, nobody
  ///     can tell a log cut at a checkpoint from one that ended there.
  package init(
    key: NoteVerifierKey,
    first: UInt64 = 0,
    trusted: Frontier? = nil,
    known: [Checkpoint] = []
  ) {
    self.key = key
    self.trusted = trusted
    let start = min(first, MerkleTree.maximumSize)
    expected = start
    segment = AuditSegment(start: start, base: start == 0 ? Frontier() : nil)
    let sorted = known.sorted { $0.size < $1.size }
    self.known = sorted.drop { $0.size < start }
    report.uncompared = UInt64(sorted.count - self.known.count)
  }

  /// What can be said of an entry by itself.
  package struct Inspection: Sendable {
    /// The index it bears, if its bytes are canonical.
    package let index: UInt64?
    /// The hash of its bytes.
    package let leafHash: [UInt8]
  }

  /// Hashes and decodes an entry.
  ///
  /// Pure, so that it can run ahead or in parallel.
  package static func inspect(_ bytes: [UInt8]) -> Inspection {
    let leafHash = MerkleTree.leafHash(bytes)
    do {
      return Inspection(index: try AuditEntry(decoding: bytes).index, leafHash: leafHash)
    } catch {
      return Inspection(index: nil, leafHash: leafHash)
    }
  }

  /// Takes the next entry.
  ///
  /// - Parameters:
  ///   - entry: what ``inspect(_:)`` says of its bytes.
  ///   - storedLeafHash: the hash that is stored beside it.
  ///   - row: the index under which a database stores it; an export has none but the entry's own.
  ///   - line: its line in an export.
  package mutating func entry(
    _ entry: Inspection,
    storedLeafHash: [UInt8],
    row: UInt64? = nil,
    line: UInt64? = nil
  ) {
    settleTrusted()
    report.entries += 1
    // An edited entry may bear any index: its place counts, unless the stored hash backs it.
    let own = entry.leafHash == storedLeafHash ? entry.index : nil
    let index = AuditNumber.clamped(row ?? own ?? expected)
    if entry.index == nil { report.add(.malformedEntry, index..<index + 1, line: line) }
    if let row, let other = entry.index, other != row {
      report.add(.indexMismatch, index..<index + 1, line: line)
    }
    guard arrive(at: index, line: line) else { return }
    segment.append(
      leafHash: entry.leafHash,
      stored: storedLeafHash,
      index: index,
      line: line
    )
    compareKnown()
  }

  /// Moves on to an entry's index; false if it is one that must not count again.
  private mutating func arrive(at index: UInt64, line: UInt64?) -> Bool {
    defer { resume = nil }
    if index < expected {
      segment.breakOff()
      if index == resume {
        // The entries go on from the one that went back: so it was no stray, follow them.
        expected = index + 1
        return true
      }
      let kind: AuditFinding.Kind = index + 1 == expected ? .duplicated : .outOfOrder
      report.add(kind, index..<index + 1, line: line)
      defer { resume = index + 1 }
      return false
    }
    if index > expected {
      report.add(.missing, expected..<index, line: line)
      segment.breakOff()
    }
    expected = index + 1
    return true
  }

  /// Takes the stored hashes of a range of entries that ends here.
  package mutating func range(_ range: CompactRange, line: UInt64? = nil) {
    guard range.start == segment.openStart, range.end >= expected, range.start < range.end,
      range.end == expected || range.end - range.start <= MerkleTree.tileWidth
    else {
      report.add(.rangeHashesChanged, place(segment.openStart, expected), line: line)
      segment.dropClaims(at: expected)
      return
    }
    if range.end > expected {
      report.add(.missing, expected..<range.end, line: line)
      segment.breakOff()
      expected = range.end
    }
    segment.close(range, line: line)
  }

  /// Takes a checkpoint that covers the entries so far.
  ///
  /// - Parameters:
  ///   - note: the signed note's bytes.
  ///   - frontier: the frontier stored with it: it lets the verification go on after damage.
  ///   - line: the note's first line in an export.
  package mutating func checkpoint(_ note: [UInt8], frontier: Frontier? = nil, line: UInt64? = nil)
  {
    guard let checkpoint = verified(note, line: line) else { return }
    report.checkpoints += 1
    if let last = report.last, last.size == checkpoint.size {
      if last.root != checkpoint.root {
        report.add(.forked, checkpoint.size..<checkpoint.size, line: line)
      }
      return
    }
    guard checkpoint.size >= segment.start, checkpoint.size >= expected else {
      report.add(.misplacedCheckpoint, place(checkpoint.size, expected), line: line)
      return
    }
    report.last = checkpoint
    settle(size: checkpoint.size, root: checkpoint.root, frontier: frontier, line: line)
  }

  private mutating func verified(_ bytes: [UInt8], line: UInt64?) -> Checkpoint? {
    let kind: AuditFinding.Kind
    do {
      let note = try SignedNote(parsing: bytes)
      try note.verify(by: key)
      let checkpoint = try Checkpoint(parsing: note.text)
      if checkpoint.origin.utf8.elementsEqual(key.name.utf8) { return checkpoint }
      kind = .foreignLog
    } catch .unknownSigner {
      kind = .wrongKey
    } catch .badSignature {
      kind = .badSignature
    } catch {
      kind = .malformedLine
    }
    report.add(kind, place(segment.start, expected), line: line)
    return nil
  }

  /// Ends the log and tells what was found.
  package mutating func finish() -> AuditReport {
    if let trusted, !trustedIsSettled {
      if expected < trusted.size {
        report.add(.truncated, expected..<trusted.size)
        segment.breakOff()
        expected = trusted.size
      }
      settleTrusted()
    }
    settleKnown(upTo: expected, head: nil, line: nil)
    if let newest = known.last, newest.size > expected {
      report.add(.truncated, expected..<newest.size)
    }
    if report.last == nil, trusted == nil { report.add(.noCheckpoint, expected..<expected) }
    if expected > segment.start {
      report.add(.uncovered, segment.start..<expected)
      reportMismatches(in: segment.start..<expected, as: .entryChanged)
    }
    return report
  }

  /// Reports damage of the form that carries the log.
  mutating func flag(_ kind: AuditFinding.Kind, upTo end: UInt64? = nil, line: UInt64) {
    report.add(kind, place(expected, end ?? expected), line: line)
  }

  // MARK: Judging a segment

  private mutating func settleTrusted() {
    guard let trusted, !trustedIsSettled, expected >= trusted.size else { return }
    trustedIsSettled = true
    guard trusted.size >= segment.start else {
      report.add(.misplacedCheckpoint, place(trusted.size, expected))
      return
    }
    if let last = report.last, last.size == trusted.size {
      if last.root != trusted.root {
        let place = segment.base?.firstContradiction(to: trusted)
        report.add(.forked, place ?? trusted.size..<trusted.size)
      }
      return
    }
    settle(size: trusted.size, root: trusted.root, frontier: trusted, line: nil)
  }

  /// Compares the segment with the root that is vouched for, and begins the next one.
  private mutating func settle(size: UInt64, root: [UInt8], frontier: Frontier?, line: UInt64?) {
    if expected < size {
      report.add(.missing, expected..<size, line: line)
      segment.breakOff()
    }
    segment.finish()
    var anchor = frontier
    if let given = frontier, given.size != size || given.root != root {
      report.add(.frontierChanged, size..<size, line: line)
      anchor = nil
    }
    let confirmed = judge(Head(size: size, root: root), line: line)
    if let confirmed {
      anchor = confirmed
    } else if let anchor, let place = segment.base?.firstContradiction(to: anchor) {
      report.add(.forked, place, line: line)
    }
    judgeAlternate(root: root)
    alternate = nil
    if confirmed == nil, let reached = segment.byEntries, reached.size == size {
      alternate = (reached, size, line)
    }
    settleKnown(upTo: size, head: Head(size: size, root: root), line: line)
    expected = size
    resume = nil
    segment = AuditSegment(start: size, base: anchor)
  }

  private struct Head {
    let size: UInt64
    let root: [UInt8]

    func confirms(_ frontier: Frontier?) -> Bool {
      guard let frontier else { return false }
      return frontier.size == size && frontier.root == root
    }
  }

  /// Reports what the head refutes; the frontier at the head, if some span leads there.
  private mutating func judge(_ head: Head, line: UInt64?) -> Frontier? {
    let whole = segment.start..<max(segment.start, head.size)
    if head.confirms(segment.byEntries) {
      reportMismatches(in: whole, as: .leafHashChanged)
      for part in segment.parts where !part.entriesAgree {
        report.add(.rangeHashesChanged, part.entries, line: part.line)
      }
      return segment.byEntries
    }
    if head.confirms(segment.byStoredHashes) {
      reportMismatches(in: whole, as: .entryChanged)
      for part in segment.parts where !part.storedAgree {
        report.add(.rangeHashesChanged, part.entries, line: part.line)
      }
      return segment.byStoredHashes
    }
    if head.confirms(segment.byRanges) {
      for part in segment.parts {
        if !part.entriesAgree, !part.storedAgree {
          report.add(.entriesChanged, part.entries, line: part.line)
        }
        reportMismatches(
          in: part.entries,
          as: part.entriesAgree ? .leafHashChanged : .entryChanged
        )
      }
      return segment.byRanges
    }
    guard segment.base != nil else {
      // Nothing vouches for the beginning; with no entries there is nothing to vouch for.
      if !whole.isEmpty { report.add(.unanchored, whole, line: line) }
      return nil
    }
    report.add(.entriesChanged, whole, line: line)
    reportMismatches(in: whole, as: .entryChanged)
    return nil
  }

  /// The entries went on past the last checkpoint as if it had not been: it is of another history.
  private mutating func judgeAlternate(root: [UInt8]) {
    guard let alternate, let reached = segment.byEntries(from: alternate.frontier),
      reached.root == root
    else { return }
    report.add(.forked, alternate.size..<alternate.size, line: alternate.line)
  }

  private mutating func reportMismatches(in entries: Range<UInt64>, as kind: AuditFinding.Kind) {
    for mismatch in segment.mismatches where entries.contains(mismatch.index) {
      report.add(kind, mismatch.index..<mismatch.index + 1, line: mismatch.line)
    }
  }

  // MARK: Checkpoints held from before

  /// Compares a held checkpoint with the entries when they reach its size.
  private mutating func compareKnown() {
    guard let next = known.first, next.size == expected else { return }
    var ended = segment
    ended.finish()
    // Where the segment is broken, the checkpoint that ends it has the word.
    guard let reached = ended.byEntries, reached.size == expected else { return }
    known.removeFirst()
    passed.append((next, reached.root == next.root))
  }

  /// Reports the held checkpoints up to the end of the segment; a head that the entries confirm
  /// and a held checkpoint that they refute are two histories under one key.
  private mutating func settleKnown(upTo size: UInt64, head: Head?, line: UInt64?) {
    while let next = known.first, next.size <= size {
      known.removeFirst()
      guard let head, head.size == next.size else {
        report.uncompared += 1
        continue
      }
      if head.root != next.root { report.add(.forked, size..<size, line: line) }
    }
    for (checkpoint, agrees) in passed {
      if let head, head.size == checkpoint.size {
        if head.root != checkpoint.root { report.add(.forked, size..<size, line: line) }
      } else if !agrees {
        let isProven = head.map { $0.confirms(segment.byEntries) } ?? false
        report.add(
          isProven ? .forked : .contradictsKnown,
          place(segment.start, checkpoint.size),
          line: line
        )
      }
    }
    passed = []
  }

  private func place(_ from: UInt64, _ to: UInt64) -> Range<UInt64> {
    min(from, to)..<max(from, to)
  }
}
