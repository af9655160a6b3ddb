import KeywardCrypto

/// The entry points of the fuzzers: each takes any bytes and must return.
///
/// A trap here is a finding: either a reader trapped on outside bytes, or a property that the
/// `precondition`s state does not hold.
package enum FuzzTargets {
  /// Parses a share; what parses must be written and read back as the same share.
  package static func share(_ bytes: [UInt8]) {
    guard let text = try? SecretBytes.fixture(bytes), let share = try? ShareText.parse(text),
      let again = try? ShareText.emit(share), let parsed = try? ShareText.parse(again)
    else { return }
    precondition(parsed.set == share.set && parsed.index == share.index)
    precondition(parsed.payload.bytes.constantTimeEquals(share.payload.bytes))
  }

  /// Opens an envelope with a fixed key under each suite: nobody without the key makes one.
  package static func envelope(_ bytes: [UInt8]) {
    let aad = AssociatedData.backupChunk(backup: [], index: 0, isFinal: false)
    for suite in EnvelopeSuite.allCases {
      guard
        let key = try? SecretBytes.fixture(
          [UInt8](repeating: suite.rawValue, count: suite.keyLength)
        )
      else { return }
      let opened: Bool
      do {
        _ = try Envelope.open(expecting: suite, key: key, aad: aad, bytes)
        opened = true
      } catch {
        opened = false
      }
      precondition(!opened || Envelope.version(of: bytes) != nil)
    }
  }

  /// Reads a seal record; what is read must encode to the same bytes.
  package static func sealRecord(_ bytes: [UInt8]) {
    guard let record = try? SealRecord(decoding: bytes) else { return }
    precondition(record.encoded == bytes)
  }
}
