/// The text format of exported logs, `docs/formats/audit-log.md`.
///
/// Lines end in a newline. After the header come, again and again: entries, the hashes of ranges
/// of at most 256 of them, a frontier, and the signed checkpoint that vouches for all of it.
package enum AuditExport {
  static let magic = "keyward-audit-export 1"
  static let origin = "origin "
  static let key = "key "
  static let first = "first "
  static let entry = "e "
  static let range = "range "
  static let frontier = "frontier "
  static let note = "|"
  static let end = "end "

  /// The most bytes of a line: an entry with its hash, or 106 range hashes, takes less.
  package static let maximumLine = 8192

  /// Whether a line is the first of an export.
  package static func isMagic(_ line: [UInt8]) -> Bool { line.elementsEqual(magic.utf8) }

  /// The canonical bytes of the entry on a line; nil for lines of another kind.
  package static func entryBytes(ofLine line: [UInt8]) -> [UInt8]? {
    let start = entry.utf8.count + MerkleTree.hashSize * 2 + 1
    guard line.starts(with: entry.utf8), line.count > start else { return nil }
    return Array(line[start...])
  }
}

/// Writes a log, or a piece of it, in the export format.
///
/// Every method returns the bytes to write next. It writes a damaged log as it finds it: to judge
/// is the verifier's part.
package struct AuditExportWriter: Sendable {
  private let key: NoteVerifierKey
  private var frontier: Frontier
  private var open: CompactRange

  /// Starts an export of the log whose verifier key this is.
  ///
  /// `start` is the frontier before the first entry to be written: empty for a whole log. A piece
  /// begins where a checkpoint lies, which must be written first.
  package init(key: NoteVerifierKey, start: Frontier = Frontier()) {
    self.key = key
    frontier = start
    open = CompactRange(start: start.size)
  }

  /// The header.
  package func header() -> [UInt8] {
    var lines = AuditExport.magic + "\n"
    lines += AuditExport.origin + key.name + "\n"
    lines += AuditExport.key + key.text + "\n"
    lines += AuditExport.first + "\(frontier.size)\n"
    return Array(lines.utf8)
  }

  /// The next entry, and its range's hashes when 256 are complete.
  ///
  /// Throws `outOfRange` if the leaf hash is not 32 bytes.
  package mutating func entry(
    _ bytes: [UInt8],
    leafHash: [UInt8]
  ) throws(AuditError) -> [UInt8] {
    try open.append(leafHash: leafHash)
    var line: [UInt8] = []
    line.reserveCapacity(bytes.count + 80)
    line.append(contentsOf: AuditExport.entry.utf8)
    Hex.append(leafHash, to: &line)
    line.append(UInt8(ascii: " "))
    line.append(contentsOf: bytes)
    line.append(UInt8(ascii: "\n"))
    if open.end.isMultiple(of: MerkleTree.tileWidth) { line += try closeRange() }
    return line
  }

  /// A checkpoint of exactly the entries so far.
  package mutating func checkpoint(_ note: SignedNote) throws(AuditError) -> [UInt8] {
    var lines = try closeRange()
    lines.append(contentsOf: AuditExport.frontier.utf8)
    Self.append(String(frontier.size), frontier.range.hashes, to: &lines)
    for line in note.bytes.dropLast().split(
      separator: UInt8(ascii: "\n"),
      omittingEmptySubsequences: false
    ) {
      lines.append(contentsOf: AuditExport.note.utf8)
      lines.append(contentsOf: line)
      lines.append(UInt8(ascii: "\n"))
    }
    return lines
  }

  /// The last line, without which an export was cut.
  package mutating func finish() throws(AuditError) -> [UInt8] {
    try closeRange() + Array((AuditExport.end + "\(frontier.size)\n").utf8)
  }

  private mutating func closeRange() throws(AuditError) -> [UInt8] {
    guard open.start < open.end else { return [] }
    var line = Array(AuditExport.range.utf8)
    Self.append("\(open.start) \(open.end)", open.hashes, to: &line)
    try frontier.append(open)
    open = CompactRange(start: open.end)
    return line
  }

  private static func append(_ numbers: String, _ hashes: [[UInt8]], to line: inout [UInt8]) {
    line.append(contentsOf: numbers.utf8)
    for hash in hashes {
      line.append(UInt8(ascii: " "))
      Hex.append(hash, to: &line)
    }
    line.append(UInt8(ascii: "\n"))
  }
}
