/// Reads an export line by line and verifies it with the public key alone.
///
/// Feed it the file in chunks of any size, then ``finish()``. The key must come from somewhere
/// other than the export: what the export says of its key is only compared with it.
package struct AuditExportReader: Sendable {
  private enum Section: Int {
    case magic
    case origin
    case key
    case first
    case body
    case ended
  }

  private let key: NoteVerifierKey
  private let known: [Checkpoint]
  private var verifier: AuditVerifier
  private var headerFindings: [AuditFinding] = []
  private var section = Section.magic
  private var lineNumber: UInt64 = 0
  private var pending: [UInt8] = []
  private var skipsLine = false
  private var note: [UInt8] = []
  private var noteLine: UInt64 = 0
  private var frontier: Frontier?

  /// Starts with the log's verifier key and checkpoints of it that the caller has kept.
  package init(key: NoteVerifierKey, known: [Checkpoint] = []) {
    self.key = key
    self.known = known
    verifier = AuditVerifier(key: key, known: known)
  }

  /// Takes the next bytes of the file.
  package mutating func feed(_ chunk: [UInt8]) {
    var start = chunk.startIndex
    while let newline = chunk[start...].firstIndex(of: UInt8(ascii: "\n")) {
      if pending.isEmpty, !skipsLine, newline - start <= AuditExport.maximumLine {
        line(chunk[start..<newline])
      } else {
        hold(chunk[start..<newline])
        endHeldLine()
      }
      start = newline + 1
    }
    hold(chunk[start...])
  }

  /// Takes one line without its newline.
  package mutating func line(_ bytes: ArraySlice<UInt8>) {
    lineNumber += 1
    if section.rawValue < Section.body.rawValue {
      header(bytes)
    } else if section == .ended {
      malformed()
    } else {
      body(bytes)
    }
  }

  /// Ends the file and tells what was found.
  package mutating func finish() -> AuditReport {
    if skipsLine || !pending.isEmpty {
      endHeldLine()
      // A last line without its newline was cut, even where what is left of it reads well.
      verifier.flag(.truncated, line: lineNumber)
    }
    flushNote()
    if section != .ended { verifier.flag(.truncated, line: lineNumber) }
    return verifier.finish().preceded(by: headerFindings)
  }

  // MARK: Lines

  private mutating func hold(_ bytes: ArraySlice<UInt8>) {
    guard !skipsLine else { return }
    pending.append(contentsOf: bytes)
    guard pending.count > AuditExport.maximumLine else { return }
    pending = []
    skipsLine = true
  }

  private mutating func endHeldLine() {
    if skipsLine {
      skipsLine = false
      lineNumber += 1
      malformed()
    } else {
      let bytes = pending
      pending = []
      line(bytes[...])
    }
  }

  private mutating func malformed() {
    // The header's last line starts the verification anew: what came before it is kept apart.
    if section.rawValue < Section.body.rawValue { return malformedHeader(.malformedLine) }
    verifier.flag(.malformedLine, line: lineNumber)
  }

  private mutating func malformedHeader(_ kind: AuditFinding.Kind) {
    headerFindings.append(AuditFinding(kind: kind, entries: 0..<0, line: lineNumber))
  }

  private mutating func header(_ bytes: ArraySlice<UInt8>) {
    let current = section
    section = Section(rawValue: current.rawValue + 1) ?? .body
    switch current {
    case .magic:
      if !bytes.elementsEqual(AuditExport.magic.utf8) { malformedHeader(.malformedLine) }
    case .origin:
      guard let origin = bytes.after(AuditExport.origin) else {
        return malformedHeader(.malformedLine)
      }
      if !origin.elementsEqual(key.name.utf8) { malformedHeader(.foreignLog) }
    case .key:
      guard let text = bytes.after(AuditExport.key) else {
        return malformedHeader(.malformedLine)
      }
      if !text.elementsEqual(key.text.utf8) { malformedHeader(.wrongKey) }
    case .first, .body, .ended:
      guard let text = bytes.after(AuditExport.first), let first = Decimal.value(text),
        first <= MerkleTree.maximumSize
      else { return malformedHeader(.malformedLine) }
      verifier = AuditVerifier(key: key, first: first, known: known)
    }
  }

  private mutating func body(_ bytes: ArraySlice<UInt8>) {
    if let rest = bytes.after(AuditExport.note) {
      if note.isEmpty { noteLine = lineNumber }
      // A note's own limit is far lower than what this lets in before its size is refused.
      if note.count <= SignedNote.maximumSize { note.append(contentsOf: rest + [0x0a]) }
      return
    }
    flushNote()
    if frontier != nil {
      // Its checkpoint was taken away.
      malformed()
      frontier = nil
    }
    if let rest = bytes.after(AuditExport.entry) {
      entry(rest)
    } else if let rest = bytes.after(AuditExport.range) {
      range(rest)
    } else if let rest = bytes.after(AuditExport.frontier) {
      frontier(rest)
    } else if let rest = bytes.after(AuditExport.end) {
      section = .ended
      guard let size = Decimal.value(rest) else { return malformed() }
      if size != verifier.expected { verifier.flag(.truncated, upTo: size, line: lineNumber) }
    } else {
      malformed()
    }
  }

  private mutating func entry(_ rest: ArraySlice<UInt8>) {
    let width = MerkleTree.hashSize * 2
    let body = rest.dropFirst(width)
    guard let leafHash = Hex.bytes(rest.prefix(width)), leafHash.count == MerkleTree.hashSize,
      body.first == UInt8(ascii: " ")
    else { return malformed() }
    let inspection = AuditVerifier.inspect(Array(body.dropFirst()))
    verifier.entry(inspection, storedLeafHash: leafHash, line: lineNumber)
  }

  private mutating func range(_ rest: ArraySlice<UInt8>) {
    let fields = rest.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard fields.count >= 2, let start = Decimal.value(fields[0]),
      let end = Decimal.value(fields[1]), let hashes = Self.hashes(fields.dropFirst(2)),
      let range = try? CompactRange(start: start, end: end, hashes: hashes)
    else { return malformed() }
    verifier.range(range, line: lineNumber)
  }

  private mutating func frontier(_ rest: ArraySlice<UInt8>) {
    let fields = rest.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard let first = fields.first, let size = Decimal.value(first),
      let hashes = Self.hashes(fields.dropFirst()),
      let stored = try? Frontier(size: size, hashes: hashes)
    else { return malformed() }
    frontier = stored
  }

  private static func hashes(_ fields: ArraySlice<ArraySlice<UInt8>>) -> [[UInt8]]? {
    var hashes: [[UInt8]] = []
    for field in fields {
      guard let hash = Hex.bytes(field), hash.count == MerkleTree.hashSize else { return nil }
      hashes.append(hash)
    }
    return hashes
  }

  private mutating func flushNote() {
    guard !note.isEmpty else { return }
    verifier.checkpoint(note, frontier: frontier, line: noteLine)
    note = []
    frontier = nil
  }
}

extension ArraySlice<UInt8> {
  /// What follows the prefix, or `nil` if the bytes do not begin with it.
  fileprivate func after(_ prefix: String) -> ArraySlice<UInt8>? {
    starts(with: prefix.utf8) ? dropFirst(prefix.utf8.count) : nil
  }
}
