private import KeywardCrypto

/// A text with signatures in the form of C2SP signed-note.
///
/// `text`, a blank line, then lines `— name base64(key id || signature)`. Parsing says nothing
/// about trust: only ``isSigned(by:)`` does.
package struct SignedNote: Equatable, Sendable {
  /// One signature line.
  package struct Signature: Equatable, Sendable {
    /// The name of the key.
    package let name: String
    /// The first four bytes are the key id, the rest is the signature.
    package let bytes: [UInt8]
  }

  /// The signed bytes, with the newline at their end.
  package let text: [UInt8]
  /// At least one signature, of keys known or not.
  package let signatures: [Signature]

  /// The most bytes of a note.
  package static let maximumSize = 65_536
  /// The most signatures of a note; the specification asks for at least 16.
  package static let maximumSignatures = 32

  private static let dash = Array("\u{2014} ".utf8)
  private static let newline = UInt8(ascii: "\n")

  init(text: [UInt8], signatures: [(String, [UInt8])]) throws(AuditError) {
    self.text = text
    self.signatures = signatures.map { Signature(name: $0.0, bytes: $0.1) }
    // What a reader would refuse must not be written.
    guard try SignedNote(parsing: bytes) == self else {
      throw .malformedNote("the text has a form that cannot be signed")
    }
  }

  /// Reads a signed note, and nothing else.
  package init(parsing bytes: [UInt8]) throws(AuditError) {
    guard bytes.count <= Self.maximumSize else { throw .malformedNote("larger than 64 KiB") }
    guard bytes.last == Self.newline else { throw .malformedNote("no newline at the end") }
    guard bytes.allSatisfy({ $0 >= 0x20 || $0 == Self.newline }) else {
      throw .malformedNote("control character")
    }
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .malformedNote("not UTF-8") }
    // The last empty line parts text and signatures.
    var split: Int?
    for index in bytes.indices.dropFirst().reversed()
    where bytes[index] == Self.newline && bytes[index - 1] == Self.newline {
      split = index
      break
    }
    guard let split else { throw .malformedNote("no blank line before the signatures") }
    text = Array(bytes[..<split])
    let lines = bytes[(split + 1)...].split(
      separator: Self.newline,
      omittingEmptySubsequences: false
    ).dropLast()
    guard !lines.isEmpty, lines.count <= Self.maximumSignatures else {
      throw .malformedNote("no signature, or more than \(Self.maximumSignatures)")
    }
    var signatures: [Signature] = []
    for line in lines { signatures.append(try Self.signature(line)) }
    self.signatures = signatures
  }

  private static func signature(_ line: ArraySlice<UInt8>) throws(AuditError) -> Signature {
    guard line.starts(with: dash) else { throw .malformedNote("not a signature line") }
    let fields = line.dropFirst(dash.count).split(
      separator: UInt8(ascii: " "),
      omittingEmptySubsequences: false
    )
    guard fields.count == 2, let bytes = Base64.bytes(fields[1]), bytes.count > 4 else {
      throw .malformedNote("a signature line is a dash, a name, and base64")
    }
    let name = String(decoding: fields[0], as: UTF8.self)
    guard isKeyName(name) else { throw .malformedNote("not a key name") }
    return Signature(name: name, bytes: bytes)
  }

  /// The note as it is stored and exchanged.
  package var bytes: [UInt8] {
    var bytes = text
    bytes.append(Self.newline)
    for signature in signatures {
      bytes.append(contentsOf: Self.dash)
      bytes.append(contentsOf: "\(signature.name) \(Base64.text(signature.bytes))\n".utf8)
    }
    return bytes
  }

  /// Throws unless the key has signed the text.
  ///
  /// `unknownSigner` if no line has the key's name and id, `badSignature` if one has and does not
  /// verify, whatever the others do. Lines of other keys are ignored, as the specification asks.
  package func verify(by key: NoteVerifierKey) throws(AuditError) {
    var found = false
    for signature in signatures {
      guard signature.name.utf8.elementsEqual(key.name.utf8),
        signature.bytes.prefix(4).elementsEqual(key.keyID)
      else { continue }
      guard
        key.publicKey.verify(
          .ed25519,
          text,
          signature: Array(signature.bytes.dropFirst(4))
        )
      else {
        throw .badSignature
      }
      found = true
    }
    guard found else { throw .unknownSigner }
  }

  /// Whether a text can be a key's name: 1 to 256 bytes, no space, plus or control character.
  static func isKeyName(_ name: String) -> Bool {
    (1...NoteVerifierKey.maximumName).contains(name.utf8.count)
      && name.unicodeScalars.allSatisfy {
        !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 && $0.value != 0x7f
      }
  }
}
