import KeywardAudit

/// A way to falsify the log's rows in the database, for one who can write every byte of the file
/// and has neither the signing key nor the root key.
enum DatabaseTampering: CaseIterable {
  case editByte
  case editHash
  case editEntryAndHash
  case swapContents
  case swapHashes
  case delete
  case deleteRun
  case deleteAndRenumber
  case insertAndRenumber
  case moveRow
  case truncate
  case append
  case editNote
  case editFrontier
  case dropCheckpointsAndEdit
  case fork

  /// A falsified table and the entries that a verifier has to name.
  struct Result {
    var rows: [AuditBatch.Row]
    var checkpoints: [(size: UInt64, note: [UInt8], frontier: Frontier)]
    var entries: Range<UInt64>
    /// How wide the place named may be.
    var width = AuditTamperTests.width
  }

  func apply(_ log: LogFixture, using random: inout SeededGenerator) throws -> Result {
    let count = log.rows.count
    let index = Int.random(in: 0..<count, using: &random)
    let other = (index + Int.random(in: 1..<count, using: &random)) % count
    var result = Result(
      rows: log.rows,
      checkpoints: log.stored,
      entries: UInt64(index)..<UInt64(index) + 1
    )
    let row = log.rows[index]
    func stored(_ bytes: [UInt8], _ leafHash: [UInt8], at index: UInt64) -> AuditBatch.Row {
      AuditBatch.Row(index: index, bytes: bytes, leafHash: leafHash)
    }
    switch self {
    case .editByte:
      var bytes = row.bytes
      let place = Int.random(in: bytes.indices, using: &random)
      bytes[place] = ExportTampering.another(bytes[place], using: &random)
      result.rows[index] = stored(bytes, row.leafHash, at: row.index)
    case .editHash:
      var hash = row.leafHash
      hash[Int.random(in: hash.indices, using: &random)] ^= 1
      result.rows[index] = stored(row.bytes, hash, at: row.index)
    case .editEntryAndHash:
      result.rows[index] = try ExportTampering.changed(row, using: &random)
    case .swapContents:
      let twin = log.rows[other]
      result.rows[index] = stored(twin.bytes, twin.leafHash, at: row.index)
      result.rows[other] = stored(row.bytes, row.leafHash, at: twin.index)
    case .swapHashes:
      let twin = log.rows[other]
      result.rows[index] = stored(row.bytes, twin.leafHash, at: row.index)
      result.rows[other] = stored(twin.bytes, row.leafHash, at: twin.index)
    case .delete:
      result.rows.remove(at: index)
    case .deleteRun:
      result.rows.removeSubrange(index..<min(index + 300, count))
    case .deleteAndRenumber:
      result.rows.remove(at: index)
      result.rows = try LogFixture.renumbered(result.rows)
    case .insertAndRenumber:
      result.rows.insert(log.rows[other], at: index)
      result.rows = try LogFixture.renumbered(result.rows)
    case .moveRow:
      // The row's number alone is changed, to one that no row has.
      result.rows.remove(at: index)
      result.rows.append(stored(row.bytes, row.leafHash, at: UInt64(count) + 7))
    case .truncate:
      result.rows.removeSubrange(index...)
      result.checkpoints.removeAll { $0.size > UInt64(index) }
      result.entries = UInt64(index)..<UInt64(count)
    case .append:
      let events = Fixtures.events(Int.random(in: 1..<300, using: &random), seed: random.next())
      result.rows += try AuditBatch(appending: events, to: log.frontier).rows
      result.entries = UInt64(count)..<UInt64(result.rows.count)
    case .editNote:
      let number = Int.random(in: result.checkpoints.indices, using: &random)
      let place = Int.random(in: result.checkpoints[number].note.indices, using: &random)
      result.checkpoints[number].note[place] = ExportTampering.another(
        result.checkpoints[number].note[place],
        using: &random
      )
      result.entries = result.checkpoints[number].size..<result.checkpoints[number].size
    case .editFrontier:
      let number = Int.random(in: result.checkpoints.indices, using: &random)
      var bytes = result.checkpoints[number].frontier.encoded()
      bytes[Int.random(in: 8..<bytes.count, using: &random)] ^= 4
      result.checkpoints[number].frontier = try Frontier(decoding: bytes)
      let size = result.checkpoints[number].size
      result.entries = size..<size
    case .dropCheckpointsAndEdit:
      let segment = log.segment(of: UInt64(index))
      result.checkpoints.removeAll { segment.contains($0.size - 1) }
      result.rows[index] = try ExportTampering.changed(row, using: &random)
    case .fork:
      let fork = try ExportTampering.forked(log, at: index, using: &random)
      result.rows = fork.rows
      result.checkpoints = fork.stored
      // Both histories are well signed; the frontier tells them apart by its subtrees alone.
      result.width = count
    }
    return result
  }
}
