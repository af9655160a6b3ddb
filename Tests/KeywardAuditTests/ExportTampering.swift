import KeywardAudit

/// A way to falsify an exported log without its signing key, or with it by telling two histories.
enum ExportTampering: CaseIterable {
  case editByte
  case editHash
  case editEntryAndHash
  case editAllHashes
  case drop
  case dropRun
  case dropAndRenumber
  case swap
  case swapAndRenumber
  case move
  case duplicate
  case insertAndRenumber
  case cutLines
  case cutBytes
  case cutAtCheckpoint
  case appendEntries
  case editRangeHashes
  case editFrontier
  case editNote
  case signByOther
  case forkTail
  case forkWhole

  /// A falsified export and the place that a verifier has to name.
  struct Result {
    var lines: [[UInt8]]
    /// The entries that were touched.
    var entries: Range<UInt64>
    /// The line, counted from 1, that was touched.
    var line: Int?
    /// How many of the honest log's last checkpoints the verifier holds: a cut at a checkpoint,
    /// or another whole history, cannot be seen without.
    var held = 0
    /// Bytes missing from the last line.
    var cut = 0
  }

  /// What all rounds share.
  struct Material {
    let log: LogFixture
    let lines: [[UInt8]]
    /// The line indices of the entries.
    let entryLines: [Int]
    let stranger: NoteSigner

    init(log: LogFixture) throws {
      self.log = log
      let lines = try log.export()
      self.lines = lines
      entryLines = lines.indices.filter { lines[$0].starts(with: Array("e ".utf8)) }
      stranger = try Fixtures.signer(log.signer.verifierKey.name)
    }

    func lines(with prefix: String) -> [Int] {
      lines.indices.filter { lines[$0].starts(with: Array(prefix.utf8)) }
    }
  }

  func apply(_ material: Material, using random: inout SeededGenerator) throws -> Result {
    let log = material.log
    var lines = material.lines
    let count = log.rows.count
    let index = Int.random(in: 0..<count, using: &random)
    let other = (index + Int.random(in: 1..<count, using: &random)) % count
    let line = material.entryLines[index]
    let entries = UInt64(index)..<UInt64(index) + 1
    func rebuilt(_ rows: [AuditBatch.Row]) throws -> [[UInt8]] {
      try LogFixture.export(rows, notes: log.notes, key: log.signer.verifierKey)
    }
    switch self {
    case .editByte:
      let place = Int.random(in: 67..<lines[line].count, using: &random)
      lines[line][place] = Self.another(lines[line][place], using: &random)
      return Result(lines: lines, entries: entries, line: line + 1)
    case .editHash:
      let place = Int.random(in: 2..<66, using: &random)
      lines[line][place] = lines[line][place] == 0x30 ? 0x31 : 0x30
      return Result(lines: lines, entries: entries, line: line + 1)
    case .editEntryAndHash:
      let row = try Self.changed(log.rows[index], using: &random)
      lines[line] = Array("e \(hex(row.leafHash)) ".utf8) + row.bytes
      return Result(lines: lines, entries: entries, line: line + 1)
    case .editAllHashes:
      var rows = log.rows
      rows[index] = try Self.changed(rows[index], using: &random)
      return Result(lines: try rebuilt(rows), entries: entries)
    case .drop:
      lines.remove(at: line)
      return Result(lines: lines, entries: entries, line: line + 1)
    case .dropRun:
      let end = min(line + Int.random(in: 2..<600, using: &random), lines.count - 1)
      lines.removeSubrange(line..<end)
      return Result(lines: lines, entries: entries, line: line + 1)
    case .dropAndRenumber:
      var rows = log.rows
      rows.removeSubrange(index..<min(index + Int.random(in: 1..<50, using: &random), count))
      return Result(lines: try rebuilt(LogFixture.renumbered(rows)), entries: entries)
    case .swap:
      lines.swapAt(line, material.entryLines[other])
      return Result(lines: lines, entries: entries, line: line + 1)
    case .swapAndRenumber:
      var rows = log.rows
      rows.swapAt(index, other)
      return Result(lines: try rebuilt(LogFixture.renumbered(rows)), entries: entries)
    case .move:
      let moved = lines.remove(at: line)
      lines.insert(moved, at: min(material.entryLines[other], lines.count - 1))
      return Result(lines: lines, entries: entries, line: line + 1)
    case .duplicate:
      let place = random.next().isMultiple(of: 2) ? line : material.entryLines[other]
      lines.insert(lines[line], at: place + 1)
      return Result(lines: lines, entries: entries, line: place + 2)
    case .insertAndRenumber:
      var rows = log.rows
      rows.insert(try Self.changed(rows[other], using: &random), at: index)
      return Result(lines: try rebuilt(LogFixture.renumbered(rows)), entries: entries)
    case .cutLines:
      lines.removeSubrange(line...)
      return Result(lines: lines, entries: entries, line: line)
    case .cutBytes:
      let cut = Int.random(in: 1..<lines[line].count, using: &random)
      lines.removeSubrange((line + 1)...)
      return Result(lines: lines, entries: entries, line: line + 1, cut: cut)
    case .cutAtCheckpoint:
      let keep = Int.random(in: 1..<log.checkpoints.count, using: &random)
      let size = log.sizes[keep - 1]
      lines = try LogFixture.export(
        Array(log.rows.prefix(Int(size))),
        notes: Array(log.notes.prefix(keep)),
        key: log.signer.verifierKey
      )
      return Result(lines: lines, entries: size..<UInt64(count), held: 1)
    case .appendEntries:
      let more = Fixtures.events(Int.random(in: 1..<300, using: &random), seed: random.next())
      let rows = log.rows + (try AuditBatch(appending: more, to: log.frontier).rows)
      return Result(lines: try rebuilt(rows), entries: UInt64(count)..<UInt64(rows.count))
    case .editRangeHashes, .editFrontier:
      let prefix = self == .editFrontier ? "frontier " : "range "
      let places = material.lines(with: prefix)
      let place = places[Int.random(in: 0..<places.count, using: &random)]
      let digit = Int.random(in: prefix.utf8.count..<lines[place].count, using: &random)
      lines[place][digit] = lines[place][digit] == 0x31 ? 0x32 : 0x31
      return Result(lines: lines, entries: 0..<0, line: place + 1)
    case .editNote:
      let places = material.lines(with: "|").filter { lines[$0].count > 1 }
      let place = places[Int.random(in: 0..<places.count, using: &random)]
      let character = Int.random(in: 1..<lines[place].count, using: &random)
      lines[place][character] = Self.another(lines[place][character], using: &random)
      return Result(lines: lines, entries: 0..<0, line: place + 1)
    case .signByOther:
      let number = Int.random(in: 0..<log.checkpoints.count, using: &random)
      var notes = log.notes
      notes[number].note = try material.stranger.sign(notes[number].note.text)
      lines = try LogFixture.export(log.rows, notes: notes, key: log.signer.verifierKey)
      let size = notes[number].size
      return Result(lines: lines, entries: size..<size)
    case .forkTail:
      // The verifier sees the honest beginning up to a checkpoint, and then the other history.
      let segment = log.segment(of: UInt64(min(index, count - 500)))
      let fork = try Self.forked(log, at: Int(segment.lowerBound), using: &random)
      let notes = log.notes.filter { $0.size <= segment.upperBound }
      let rows = log.rows.prefix(Int(segment.upperBound))
      lines = try LogFixture.export(
        Array(rows + fork.rows[rows.count...]),
        notes: notes + fork.notes.filter { $0.size > segment.upperBound },
        key: log.signer.verifierKey
      )
      return Result(lines: lines, entries: segment.upperBound..<segment.upperBound + 1)
    case .forkWhole:
      let fork = try Self.forked(log, at: index, using: &random)
      return Result(
        lines: try fork.export(),
        entries: log.segment(of: UInt64(index)),
        held: log.checkpoints.count
      )
    }
  }

  /// The same log up to the entry, and another, as long and as well signed, from there on.
  static func forked(
    _ log: LogFixture,
    at index: Int,
    using random: inout SeededGenerator
  ) throws -> LogFixture {
    var events = try log.rows.map { try AuditEntry(decoding: $0.bytes).event }
    events.replaceSubrange(
      index...,
      with: Fixtures.events(events.count - index, seed: random.next())
    )
    var fork = LogFixture(signer: log.signer)
    var sizes = [0] + log.sizes.map(Int.init)
    sizes = zip(sizes.dropFirst(), sizes).map { $0 - $1 }
    try fork.append(events, batches: sizes)
    return fork
  }

  /// The row with another event, and the hash that fits it.
  static func changed(
    _ row: AuditBatch.Row,
    using random: inout SeededGenerator
  ) throws -> AuditBatch.Row {
    let event = Fixtures.event(Int(row.index) + 1, using: &random)
    let entry = AuditEntry(index: row.index, event: event)
    // A batch of the one event, with the index put right.
    let bytes = entry.encoded()
    return AuditBatch.Row(index: row.index, bytes: bytes, leafHash: MerkleTree.leafHash(bytes))
  }

  static func another(_ byte: UInt8, using random: inout SeededGenerator) -> UInt8 {
    let next = UInt8.random(in: 0x21...0x7e, using: &random)
    return next == byte ? UInt8(ascii: " ") : next
  }
}
