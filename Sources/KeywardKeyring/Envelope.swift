package import KeywardCrypto
import KeywardModel

/// The one ciphertext format of Keyward, at rest and on the wire (docs/formats/envelope.md).
///
/// ```
/// offset  0   1 byte    suite
///         1   4 bytes   key version or keyring term, big-endian
///         5  24 bytes   salt, random
///        29   n bytes   ciphertext, as long as the plaintext
///      29+n  32 bytes   tag, HMAC-SHA-256
/// ```
///
/// Each message has its own cipher and MAC keys, derived from the salt, so no nonce can repeat: two
/// of 2^80 messages share a salt with a chance of 2^-32. The tag covers the header and the
/// associated data, commits to the key, and is checked before a byte is decrypted.
package enum Envelope {
  /// The length of the salt, in bytes.
  package static let saltLength = 24
  /// Suite, version and salt, in bytes.
  package static let headerLength = 1 + 4 + saltLength
  /// The length of the tag, in bytes.
  package static let tagLength = 32
  /// How much longer an envelope is than its plaintext, in bytes.
  package static let overhead = headerLength + tagLength
  /// The longest plaintext of one envelope, in bytes; longer data is cut into chunks by its owner.
  package static let maximumPlaintext = 64 << 20

  /// Encrypts `plaintext` under `key`.
  ///
  /// - Parameters:
  ///   - suite: The suite of the key's type.
  ///   - key: `suite.keyLength` bytes.
  ///   - version: The key version or keyring term that `key` is, for `version(of:)`.
  ///   - aad: What the ciphertext is bound to.
  ///   - plaintext: 0 to 64 MiB.
  /// - Returns: The envelope, `overhead` bytes longer than the plaintext.
  /// - Throws: `crypto` for a key of another length, too long a plaintext, or a failed primitive.
  package static func seal(
    _ suite: EnvelopeSuite,
    key: borrowing SecretBytes,
    version: UInt32,
    aad: AssociatedData,
    plaintext: borrowing SecretBytes
  ) throws(KeyringError) -> [UInt8] {
    guard key.count == suite.keyLength else {
      throw .crypto(.invalidKey("an envelope key of \(key.count) bytes"))
    }
    guard plaintext.count <= maximumPlaintext else {
      throw .crypto(.invalidInput("a plaintext longer than \(maximumPlaintext) bytes"))
    }
    do {
      let salt = try RandomSource.bytes(saltLength)
      var envelope = header(suite, version: version, salt: salt)
      let record = authenticatedRecord(header: envelope, aad: aad)
      envelope.reserveCapacity(plaintext.count + overhead)
      envelope += try CommittingAEAD.seal(
        suite.cipher,
        key: key,
        salt: salt,
        aad: record,
        plaintext: plaintext
      )
      return envelope
    } catch {
      throw .crypto(error)
    }
  }

  /// Decrypts an envelope.
  ///
  /// - Throws: `decryptionFailed` for every reason that lies in the bytes, the key or the
  ///   associated data; nothing tells them apart.
  package static func open(
    expecting suite: EnvelopeSuite,
    key: borrowing SecretBytes,
    aad: AssociatedData,
    _ envelope: [UInt8]
  ) throws(KeyringError) -> SecretBytes {
    guard key.count == suite.keyLength else {
      throw .crypto(.invalidKey("an envelope key of \(key.count) bytes"))
    }
    guard envelope.count >= overhead, envelope.count - overhead <= maximumPlaintext,
      envelope[0] == suite.rawValue
    else { throw .decryptionFailed }
    let header = Array(envelope[..<headerLength])
    do {
      return try CommittingAEAD.open(
        suite.cipher,
        key: key,
        salt: Array(header[(headerLength - saltLength)...]),
        aad: authenticatedRecord(header: header, aad: aad),
        ciphertext: Array(envelope[headerLength...])
      )
    } catch .authenticationFailed {
      throw .decryptionFailed
    } catch {
      throw .crypto(error)
    }
  }

  /// The key version or term that an envelope names, not authenticated.
  ///
  /// Only to choose the key, which then authenticates it. Nil if the bytes are too few or the suite
  /// is unknown.
  package static func version(of envelope: [UInt8]) -> UInt32? {
    guard envelope.count >= overhead, EnvelopeSuite(rawValue: envelope[0]) != nil else {
      return nil
    }
    return envelope[1..<5].reduce(0) { $0 << 8 | UInt32($1) }
  }

  static func header(_ suite: EnvelopeSuite, version: UInt32, salt: [UInt8]) -> [UInt8] {
    [
      suite.rawValue,
      UInt8(truncatingIfNeeded: version >> 24), UInt8(truncatingIfNeeded: version >> 16),
      UInt8(truncatingIfNeeded: version >> 8), UInt8(truncatingIfNeeded: version),
    ] + salt
  }

  /// What the tag covers beside the ciphertext: the header and the associated data.
  package static func authenticatedRecord(header: [UInt8], aad: AssociatedData) -> [UInt8] {
    var record = RecordWriter("keyward/v1/envelope")
    record.add(header)
    record.add(aad.record)
    return record.bytes
  }
}
