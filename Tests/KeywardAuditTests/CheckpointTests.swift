import KeywardAudit
import KeywardCrypto
import Testing

@Suite
struct CheckpointTests {
  /// The example of Go's golang.org/x/mod/sumdb/note documentation.
  static let goKey =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
  static let goNote =
    "If you think cryptography is the answer to your problem,\n"
    + "then you don't know what your problem is.\n\n"
    + "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    + "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"

  @Test
  func verifiesTheExampleOfGo() throws {
    let key = try NoteVerifierKey(parsing: Self.goKey)
    #expect(key.text == Self.goKey)
    let note = try SignedNote(parsing: Array(Self.goNote.utf8))
    #expect(note.bytes == Array(Self.goNote.utf8))
    try note.verify(by: key)
    let changed = Self.goNote.replacing("your problem,", with: "our problem,")
    #expect(throws: AuditError.badSignature) {
      try SignedNote(parsing: Array(changed.utf8)).verify(by: key)
    }
  }

  @Test
  func signsWhatItVerifies() throws {
    let signer = try Fixtures.signer()
    let checkpoint = try Checkpoint(
      origin: "keyward.example/audit",
      size: 20_852_163,
      root: MerkleTree.leafHash([1])
    )
    let note = try checkpoint.signed(by: signer)
    let read = try SignedNote(parsing: note.bytes)
    #expect(try Checkpoint(verifying: read, by: signer.verifierKey) == checkpoint)
    let key = try NoteVerifierKey(parsing: signer.verifierKey.text)
    #expect(try Checkpoint(verifying: read, by: key) == checkpoint)
    #expect(throws: AuditError.unknownSigner) {
      try Checkpoint(verifying: read, by: Fixtures.signer().verifierKey)
    }
    #expect(throws: AuditError.self) { try checkpoint.signed(by: Fixtures.signer("other")) }
  }

  /// Signatures of others, a witness's say, neither help nor harm.
  @Test
  func ignoresUnknownSigners() throws {
    let signer = try Fixtures.signer()
    let checkpoint = try Checkpoint(
      origin: "keyward.example/audit",
      size: 1,
      root: MerkleTree.leafHash([1])
    )
    let own = try checkpoint.signed(by: signer)
    let witness = try Fixtures.signer("witness.example").sign(checkpoint.text)
    let line = String(decoding: witness.bytes.dropFirst(witness.text.count + 1), as: UTF8.self)
    let both = try SignedNote(parsing: own.bytes + Array(line.utf8))
    #expect(both.signatures.count == 2)
    #expect(try Checkpoint(verifying: both, by: signer.verifierKey) == checkpoint)
    #expect(throws: AuditError.unknownSigner) {
      try Checkpoint(verifying: witness, by: signer.verifierKey)
    }
  }

  @Test
  func everyFlippedByteOfANoteIsRefused() throws {
    let signer = try Fixtures.signer()
    let checkpoint = try Checkpoint(
      origin: "keyward.example/audit",
      size: 256,
      root: MerkleTree.leafHash([2])
    )
    let bytes = try checkpoint.signed(by: signer).bytes
    for index in bytes.indices {
      for bit in 0..<8 {
        var flipped = bytes
        flipped[index] ^= 1 << UInt8(bit)
        #expect(throws: AuditError.self) {
          try Checkpoint(verifying: SignedNote(parsing: flipped), by: signer.verifierKey)
        }
      }
    }
  }

  @Test(arguments: [
    "",
    "\n",
    "text\n",
    "text\n\n",
    "text\n\n\u{2014} name\n",
    "text\n\n\u{2014} name AAAAAAA\n",
    "text\n\n\u{2014} name AAAA\n",
    "text\n\n\u{2014} name AAAAAAA=",
    "text\n\n\u{2014} na+me AAAAAAA=\n",
    "text\n\n\u{2014}  AAAAAAA=\n",
    "text\n\n\u{2014} na\u{a0}me AAAAAAA=\n",
    "text\n\n\u{2014} name AAAAAAB=\n",
    "text\n\n- name AAAAAAA=\n",
    "te\txt\n\n\u{2014} name AAAAAAA=\n",
    "text\r\n\n\u{2014} name AAAAAAA=\n",
    "text\n\u{2014} name AAAAAAA=\n",
    "text\n\n\u{2014} name AAAAAAA=\nmore\n",
  ])
  func refusesMalformedNotes(_ text: String) {
    #expect(throws: AuditError.self) { try SignedNote(parsing: Array(text.utf8)) }
  }

  @Test
  func boundsNotes() throws {
    let line = "\u{2014} name AAAAAAA=\n"
    let fits = "text\n\n" + String(repeating: line, count: SignedNote.maximumSignatures)
    #expect(try SignedNote(parsing: Array(fits.utf8)).signatures.count == 32)
    #expect(throws: AuditError.self) { try SignedNote(parsing: Array((fits + line).utf8)) }
    let long = String(repeating: "x", count: SignedNote.maximumSize) + "\n\n" + line
    #expect(throws: AuditError.self) { try SignedNote(parsing: Array(long.utf8)) }
    #expect(throws: AuditError.self) {
      try SignedNote(parsing: [0xff, 0x0a, 0x0a] + Array(line.utf8))
    }
  }

  @Test(arguments: [
    "origin\n1\n",
    "origin\n1\nAAAA\n",
    "origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    "origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    "origin\n9007199254740993\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n",
    "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
    "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n",
    "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
    "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
  ])
  func refusesMalformedCheckpoints(_ text: String) {
    #expect(throws: AuditError.self) { try Checkpoint(parsing: Array(text.utf8)) }
  }

  @Test
  func keepsExtensionLines() throws {
    let text = "origin\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n"
    let checkpoint = try Checkpoint(parsing: Array(text.utf8))
    #expect(checkpoint.extensions == ["more"])
    #expect(checkpoint.root == MerkleTree.emptyRoot)
    #expect(checkpoint.text == Array(text.utf8))
  }

  @Test(arguments: [
    "", "name", "name+c74f20a3", "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10",
  ])
  func refusesMalformedVerifierKeys(_ text: String) {
    #expect(throws: AuditError.self) { try NoteVerifierKey(parsing: text) }
  }

  @Test
  func refusesOtherKindsOfKeys() throws {
    let key = try PrivateKey.generate(.p256)
    #expect(throws: AuditError.self) { try NoteSigner(name: "name", privateKey: key) }
  }
}
