package import KeywardCrypto
import KeywardModel

/// One share of a seal, as a holder keeps it: public parameters and a secret payload.
///
/// Its text form is `kwshare1-` and 80 base32 digits in groups of five (docs/formats/shares.md).
/// The text is as secret as the payload and lives in `SecretBytes`.
package struct Share: Sendable {
  /// The set it was issued with.
  package let set: ShareSet
  /// Its index, 1 to the set's count: the x of its point.
  package let index: UInt8
  /// The y of its point, 32 bytes.
  package let payload: SecretBox

  /// A share of `set`; refuses an index outside the set and a payload of another length than 32.
  package init(set: ShareSet, index: Int, payload: SecretBox) throws(KeyringError) {
    guard let short = UInt8(exactly: index), short >= 1, short <= set.count else {
      throw .malformedRecord("a share's index is outside its set")
    }
    guard payload.bytes.count == ShareSet.secretLength else {
      throw .malformedRecord("a share's payload has another length than 32 bytes")
    }
    self.set = set
    self.index = short
    self.payload = payload
  }

  /// The 6 bytes that detect typing mistakes: an HMAC-SHA-256, keyed with the payload, of all other
  /// fields, cut short.
  ///
  /// Keyed and not a plain hash of everything, so that the payload need not leave locked memory to
  /// be hashed. A mistake passes with a chance of 2^-48.
  package func checksum() throws(KeyringError) -> [UInt8] {
    var record = publicRecord(label: "keyward/v1/share/checksum")
    record.add([ShareText.version])
    return Array(try authenticate(record.bytes).prefix(ShareText.checksumLength))
  }

  /// The 16 bytes that a seal record keeps of each share, to recognise and name a forged one.
  ///
  /// Public: an HMAC-SHA-256 keyed with the payload, whose 256 bits are uniform, so it helps nobody
  /// to guess. Needs the full payload to make, so only a holder of the share can.
  package func check() throws(KeyringError) -> [UInt8] {
    let record = publicRecord(label: "keyward/v1/share/check")
    return Array(try authenticate(record.bytes).prefix(Share.checkLength))
  }

  /// The length of `check()`, in bytes.
  package static let checkLength = 16

  private func publicRecord(label: String) -> RecordWriter {
    var record = RecordWriter(label)
    record.add(set.id.bytes)
    record.add(UInt64(index))
    record.add(UInt64(set.threshold))
    record.add(UInt64(set.count))
    return record
  }

  private func authenticate(_ record: [UInt8]) throws(KeyringError) -> [UInt8] {
    try crypto { () throws(CryptoError) in
      try HMAC.authenticate(.sha256, key: payload.bytes, record)
    }
  }
}
