/// The head of the log at a size: the text of C2SP tlog-checkpoint.
///
/// Three lines: origin, size in decimal, base64 of the root. It bears no time of its own, because
/// the specification advises against extension lines; the last entry that it covers has one.
package struct Checkpoint: Equatable, Sendable {
  /// The log's unique name.
  package let origin: String
  /// The number of entries.
  package let size: UInt64
  /// The RFC 6962 root at that size, 32 bytes.
  package let root: [UInt8]
  /// Lines after the third, which other writers may add; kept, never understood.
  package let extensions: [String]

  /// Names the head of a log; the origin must be fit to be a key's name.
  package init(origin: String, size: UInt64, root: [UInt8]) throws(AuditError) {
    guard SignedNote.isKeyName(origin) else { throw .malformedNote("not an origin") }
    guard size <= MerkleTree.maximumSize, root.count == MerkleTree.hashSize else {
      throw .outOfRange
    }
    self.origin = origin
    self.size = size
    self.root = root
    extensions = []
  }

  /// Reads the text of a checkpoint.
  ///
  /// It proves nothing until the note's signature is verified.
  package init(parsing text: [UInt8]) throws(AuditError) {
    guard text.last == UInt8(ascii: "\n"),
      String(validating: text, as: UTF8.self) != nil
    else { throw .malformedNote("a checkpoint is lines of UTF-8") }
    let lines = text.dropLast().split(
      separator: UInt8(ascii: "\n"),
      omittingEmptySubsequences: false
    )
    guard lines.count >= 3, lines.allSatisfy({ !$0.isEmpty }) else {
      throw .malformedNote("a checkpoint has at least three lines, none empty")
    }
    guard let size = Decimal.value(lines[1]), size <= MerkleTree.maximumSize else {
      throw .malformedNote("the second line of a checkpoint is its size")
    }
    guard let root = Base64.bytes(lines[2]), root.count == MerkleTree.hashSize else {
      throw .malformedNote("the third line of a checkpoint is base64 of a SHA-256 root")
    }
    origin = String(decoding: lines[0], as: UTF8.self)
    self.size = size
    self.root = root
    extensions = lines.dropFirst(3).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads a note's text after verifying that the key signed it for a log of the key's name.
  package init(verifying note: SignedNote, by key: NoteVerifierKey) throws(AuditError) {
    try note.verify(by: key)
    try self.init(parsing: note.text)
    guard origin.utf8.elementsEqual(key.name.utf8) else {
      throw .malformedNote("the checkpoint is of another log")
    }
  }

  /// The bytes that are signed.
  package var text: [UInt8] {
    var text = "\(origin)\n\(size)\n\(Base64.text(root))\n"
    for line in extensions { text += line + "\n" }
    return Array(text.utf8)
  }

  /// Signs the checkpoint under the log's origin.
  package func signed(by signer: NoteSigner) throws(AuditError) -> SignedNote {
    guard origin.utf8.elementsEqual(signer.verifierKey.name.utf8) else {
      throw .malformedKey("the signer's name is not the log's origin")
    }
    return try signer.sign(text)
  }
}
