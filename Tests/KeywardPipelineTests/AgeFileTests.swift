import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardPipeline

@Suite
struct AgeFileTests {
  private static let lengths = [
    0, 1, 16, 32, 65_535, 65_536, 65_537, 131_072, 131_073,
  ]

  private func decrypted(_ file: [UInt8], _ identities: [AgeIdentity]) throws -> [UInt8] {
    try AgeFile.decrypt(file, with: identities).revealed()
  }

  @Test(arguments: lengths)
  func opensWhatItMade(_ length: Int) throws {
    let identity = try AgeIdentity.generate()
    let other = try AgeIdentity.generate()
    let plaintext = try SecretBytes.random(count: length)
    let file = try AgeFile.encrypt(plaintext, to: [other.recipient, identity.recipient])
    #expect(try decrypted(file, [identity]) == plaintext.revealed())
    #expect(try decrypted(file, [try AgeIdentity.generate(), other]) == plaintext.revealed())
    #expect(throws: CryptoError.authenticationFailed) {
      try decrypted(file, [try AgeIdentity.generate()])
    }
  }

  @Test
  func anyChangedByteIsRefused() throws {
    let identity = try AgeIdentity.generate()
    let file = try AgeFile.encrypt(
      SecretBytes.fixture(Array("a value".utf8)),
      to: [identity.recipient]
    )
    for index in file.indices {
      for change in [UInt8(1), 0x20, 0x80] {
        var damaged = file
        damaged[index] ^= change
        #expect(throws: CryptoError.authenticationFailed, "byte \(index)") {
          try decrypted(damaged, [identity])
        }
      }
      #expect(throws: CryptoError.authenticationFailed) {
        try decrypted(Array(file[..<index]), [identity])
      }
    }
    #expect(throws: CryptoError.authenticationFailed) { try decrypted(file + [0], [identity]) }
  }

  @Test
  func keysHaveOneSpelling() throws {
    let identity = try AgeIdentity.generate()
    let text = identity.recipient.description
    #expect(AgeRecipient(text) == identity.recipient)
    for wrong in [
      text.uppercased(), text + "q", String(text.dropLast()), text + " ", "", "age1",
      text.replacing("age1", with: "aga1"),
    ] {
      #expect(AgeRecipient(wrong) == nil)
    }
    for index in text.indices.dropFirst(4) {
      var damaged = text
      damaged.replaceSubrange(index...index, with: text[index] == "q" ? "p" : "q")
      #expect(AgeRecipient(damaged) == nil)
    }
  }
}
