package import KeywardCrypto
import KeywardModel

/// Files of age v1 (C2SP age) with X25519 recipients, written and read whole.
///
///     age-encryption.org/v1
///     -> X25519 <share>            once for each recipient, then the wrapped file key
///     --- <HMAC-SHA-256 of the above>
///     nonce(16) ‖ STREAM of ChaCha20-Poly1305 in chunks of 64 KiB
package enum AgeFile {
  private static let version = "age-encryption.org/v1"
  private static let fileKeyLength = 16
  private static let chunkLength = 64 << 10
  private static let mostStanzas = 64

  private struct Stanza {
    let type: String
    let arguments: [String]
    let body: [UInt8]
  }

  /// Encrypts to at least one recipient.
  package static func encrypt(
    _ plaintext: borrowing SecretBytes,
    to recipients: [AgeRecipient]
  ) throws(CryptoError) -> [UInt8] {
    guard !recipients.isEmpty, recipients.count <= mostStanzas else {
      throw .invalidInput("recipients")
    }
    let fileKey = try SecretBytes.random(count: fileKeyLength)
    var header = version + "\n"
    for recipient in recipients { header += try stanza(for: recipient, fileKey) }
    header += "---"
    let mac = try HMAC.authenticate(.sha256, key: headerKey(fileKey), Array(header.utf8))
    header += " " + unpadded(mac) + "\n"
    let nonce = try RandomSource.bytes(16)
    return Array(header.utf8) + nonce + (try seal(plaintext, payloadKey(fileKey, nonce)))
  }

  /// Decrypts with whichever identity fits; any failure is `authenticationFailed`.
  package static func decrypt(
    _ file: [UInt8],
    with identities: [AgeIdentity]
  ) throws(CryptoError) -> SecretBytes {
    var reader = AgeHeaderReader(file)
    guard let stanzas = readStanzas(&reader), let mac = reader.mac(), mac.count == 32 else {
      throw .authenticationFailed
    }
    for identity in identities {
      for stanza in stanzas where stanza.type == "X25519" {
        guard let fileKey = try unwrap(stanza, identity) else { continue }
        let covered = Array(file[..<reader.endOfCovered])
        guard try HMAC.verify(.sha256, key: headerKey(fileKey.bytes), covered, tag: mac) else {
          throw .authenticationFailed
        }
        let payload = Array(file[reader.offset...])
        guard payload.count >= 16 else { throw .authenticationFailed }
        return try open(
          payload[16...],
          payloadKey(fileKey.bytes, Array(payload[..<16]))
        )
      }
    }
    throw .authenticationFailed
  }

  // MARK: Stanzas

  private static func stanza(
    for recipient: AgeRecipient,
    _ fileKey: borrowing SecretBytes
  ) throws(CryptoError) -> String {
    let ephemeral = try PrivateKey.generate(.x25519)
    let share = try ephemeral.publicKey().raw()
    let shared = try ephemeral.agree(with: PublicKey(raw: recipient.raw, .x25519))
    let key = try wrappingKey(shared, share: share, recipient: recipient.raw)
    // The key is used once, so the nonce of zeros never repeats.
    let body = try AEAD.seal(
      .chacha20Poly1305,
      key: key,
      nonce: [UInt8](repeating: 0, count: 12),
      aad: [],
      plaintext: fileKey
    )
    return "-> X25519 \(unpadded(share))\n\(unpadded(body))\n"
  }

  private static func unwrap(
    _ stanza: Stanza,
    _ identity: AgeIdentity
  ) throws(CryptoError) -> SecretBox? {
    guard stanza.arguments.count == 1, let share = AgeHeaderReader.decode(stanza.arguments[0]),
      share.count == 32, stanza.body.count == fileKeyLength + AEAD.tagLength
    else { throw .authenticationFailed }
    do throws(CryptoError) {
      let shared = try identity.key.agree(with: PublicKey(raw: share, .x25519))
      let key = try wrappingKey(shared, share: share, recipient: identity.recipient.raw)
      return SecretBox(
        try AEAD.open(
          .chacha20Poly1305,
          key: key,
          nonce: [UInt8](repeating: 0, count: 12),
          aad: [],
          ciphertext: stanza.body
        )
      )
    } catch .authenticationFailed {
      return nil
    } catch .invalidKey {
      throw .authenticationFailed
    }
  }

  private static func wrappingKey(
    _ shared: borrowing SecretBytes,
    share: [UInt8],
    recipient: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    try HKDF.derive(
      .sha256,
      key: shared,
      salt: share + recipient,
      info: Array("age-encryption.org/v1/X25519".utf8),
      count: 32
    )
  }

  private static func headerKey(_ fileKey: borrowing SecretBytes) throws(CryptoError) -> SecretBytes
  {
    try HKDF.derive(.sha256, key: fileKey, salt: [], info: Array("header".utf8), count: 32)
  }

  private static func payloadKey(
    _ fileKey: borrowing SecretBytes,
    _ nonce: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    try HKDF.derive(.sha256, key: fileKey, salt: nonce, info: Array("payload".utf8), count: 32)
  }

  private static func readStanzas(_ reader: inout AgeHeaderReader) -> [Stanza]? {
    guard reader.line() == version else { return nil }
    var stanzas: [Stanza] = []
    while let (arguments, body) = reader.stanza() {
      guard stanzas.count < mostStanzas, let type = arguments.first else { return nil }
      stanzas.append(Stanza(type: type, arguments: Array(arguments.dropFirst()), body: body))
    }
    return stanzas.isEmpty ? nil : stanzas
  }

  // MARK: Payload

  private static func seal(
    _ plaintext: borrowing SecretBytes,
    _ key: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    var sealed: [UInt8] = []
    var start = 0
    var counter: UInt64 = 0
    repeat {
      let end = min(start + chunkLength, plaintext.count)
      let chunk = try SecretBytes(copying: plaintext, range: start..<end)
      sealed += try AEAD.seal(
        .chacha20Poly1305,
        key: key,
        nonce: nonce(counter, isLast: end == plaintext.count),
        aad: [],
        plaintext: chunk
      )
      start = end
      counter += 1
    } while start < plaintext.count
    return sealed
  }

  private static func open(
    _ payload: ArraySlice<UInt8>,
    _ key: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes {
    var text = try SecretText(capacity: payload.count)
    var rest = payload
    var counter: UInt64 = 0
    repeat {
      let chunk = rest.prefix(chunkLength + AEAD.tagLength)
      rest = rest.dropFirst(chunk.count)
      // An empty last chunk after others would be a second spelling of the same file.
      guard chunk.count > AEAD.tagLength || (counter == 0 && chunk.count == AEAD.tagLength) else {
        throw .authenticationFailed
      }
      let opened = try AEAD.open(
        .chacha20Poly1305,
        key: key,
        nonce: nonce(counter, isLast: rest.isEmpty),
        aad: [],
        ciphertext: Array(chunk)
      )
      try opened.withUnsafeBytes { bytes throws(CryptoError) in try text.append(bytes) }
      counter += 1
    } while !rest.isEmpty
    return try text.finish()
  }

  private static func nonce(_ counter: UInt64, isLast: Bool) -> [UInt8] {
    [0, 0, 0] + (0..<8).map { UInt8(truncatingIfNeeded: counter >> UInt64(56 - 8 * $0)) }
      + [isLast ? 1 : 0]
  }

  private static func unpadded(_ bytes: [UInt8]) -> String {
    var text = Substring(Base64.encode(bytes))
    while text.last == "=" { text = text.dropLast() }
    return String(text)
  }
}
