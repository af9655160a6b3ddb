import KeywardCrypto
import KeywardModel

/// The textual encoding of keys (RFC 7468).
enum PEM {
  /// The DER of one `PRIVATE KEY` block, decoded within the arena.
  static func privateKey(_ text: SecretBox) throws -> SecretBox {
    let begin = Array("-----BEGIN PRIVATE KEY-----".utf8)
    let end = Array("-----END PRIVATE KEY-----".utf8)
    var der = try SecretBytes(count: text.bytes.count)
    var count = 0
    var isWhole = false
    text.bytes.withUnsafeBytes { source in
      guard let start = find(begin, in: source, from: 0),
        let stop = find(end, in: source, from: start + begin.count)
      else { return }
      let body = UnsafeRawBufferPointer(rebasing: source[(start + begin.count)..<stop])
      der.withUnsafeMutableBytes { target in
        guard let decoded = decode(body, into: target) else { return }
        count = decoded
        isWhole = true
      }
    }
    guard isWhole, count > 0 else {
      throw CommandFailure(
        .usage,
        "The file holds no unencrypted PKCS#8 block (BEGIN PRIVATE KEY).",
        remedy: "Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem"
      )
    }
    return SecretBox(try SecretBytes(copying: der, range: 0..<count))
  }

  /// A public key as a `PUBLIC KEY` block.
  static func publicKey(_ spki: [UInt8]) -> String {
    var text = "-----BEGIN PUBLIC KEY-----\n"
    var rest = Substring(Base64.encode(spki))
    while !rest.isEmpty {
      text += rest.prefix(64) + "\n"
      rest = rest.dropFirst(64)
    }
    return text + "-----END PUBLIC KEY-----"
  }

  /// The DER of the `CERTIFICATE` blocks of a text.
  static func certificates(_ text: String) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var digits: String?
    for line in text.split(whereSeparator: \.isNewline) {
      switch line {
      case "-----BEGIN CERTIFICATE-----": digits = ""
      case "-----END CERTIFICATE-----":
        if let der = digits.flatMap({ Base64.decode($0) }) { found.append(der) }
        digits = nil
      default: digits?.append(contentsOf: line)
      }
    }
    return found
  }

  private static func find(
    _ marker: [UInt8],
    in bytes: UnsafeRawBufferPointer,
    from start: Int
  ) -> Int? {
    guard bytes.count >= start + marker.count else { return nil }
    for index in start...(bytes.count - marker.count)
    where bytes[index..<(index + marker.count)].elementsEqual(marker) {
      return index
    }
    return nil
  }

  /// Base64 with line breaks; the number of bytes, or nil if it is not well-formed.
  private static func decode(
    _ text: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    var buffer: UInt32 = 0
    var bits = 0
    var count = 0
    var padding = 0
    for byte in text {
      let digit: UInt32
      switch byte {
      case 65...90: digit = UInt32(byte) - 65
      case 97...122: digit = UInt32(byte) - 71
      case 48...57: digit = UInt32(byte) + 4
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      case UInt8(ascii: "="):
        padding += 1
        continue
      case 0x0a, 0x0d, 0x20, 0x09: continue
      default: return nil
      }
      guard padding == 0 else { return nil }
      buffer = (buffer << 6 | digit) & 0xffff
      bits += 6
      if bits >= 8 {
        bits -= 8
        target[count] = UInt8(truncatingIfNeeded: buffer >> UInt32(bits))
        count += 1
      }
    }
    return padding <= 2 && bits < 6 ? count : nil
  }
}
