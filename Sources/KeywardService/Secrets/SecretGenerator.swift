import KeywardCrypto
import KeywardModel

/// Values that the server makes; characters are uniform, by throwing away what does not fit.
enum SecretGenerator {
  private static let most = 4096

  /// The fields that each generation makes; blocks for as long as a key pair takes.
  static func make(
    _ wanted: [PutSecretRequest.Generation]
  ) throws(ServiceError) -> [(FieldName, SecretBox)] {
    var made: [(FieldName, SecretBox)] = []
    for generation in wanted {
      let field = try WireText.fieldName(generation.field)
      do throws(CryptoError) {
        if let algorithm = generation.form.algorithm {
          guard generation.length == nil else {
            throw .invalidInput("a key pair has no length")
          }
          let pair = try PrivateKey.generate(algorithm)
          made.append((field, SecretBox(try SecretPEM.encode("PRIVATE KEY", try pair.pkcs8()))))
          let spki = try SecretBytes.fixture(try pair.publicKey().spki())
          let publicField = try publicName(field)
          made.append((publicField, SecretBox(try SecretPEM.encode("PUBLIC KEY", spki))))
          continue
        }
        let length = generation.length ?? 32
        guard (1...most).contains(length) else {
          throw .invalidInput("a generated value has 1 to \(most) characters")
        }
        made.append((field, SecretBox(try text(length, generation.form.alphabet))))
      } catch {
        throw ServiceError(error)
      }
    }
    return made
  }

  private static func publicName(_ field: FieldName) throws(CryptoError) -> FieldName {
    do { return try FieldName(field.description + ".pub") } catch {
      throw .invalidInput("the name of the field is too long for a key pair")
    }
  }

  /// `length` characters of `alphabet`, which has at most 256; nil means any bytes.
  private static func text(_ length: Int, _ alphabet: [UInt8]?) throws(CryptoError) -> SecretBytes {
    guard let alphabet else { return try SecretBytes.random(count: length) }
    var result = try SecretBytes(count: length)
    // The largest multiple of the alphabet's size: above it the first characters were likelier.
    let bound = 256 / alphabet.count * alphabet.count
    var filled = 0
    while filled < length {
      let random = try SecretBytes.random(count: 256)
      let start = filled
      filled = result.withUnsafeMutableBytes { target in
        random.withUnsafeBytes { source in
          var next = start
          for byte in source where Int(byte) < bound && next < length {
            target[next] = alphabet[Int(byte) % alphabet.count]
            next += 1
          }
          return next
        }
      }
    }
    return result
  }
}

extension PutSecretRequest.Generation.Form {
  fileprivate var algorithm: AsymmetricAlgorithm? {
    switch self {
    case .ed25519: .ed25519
    case .ecP256: .p256
    case .ecP384: .p384
    case .rsa3072: .rsa(bits: 3072)
    case .rsa4096: .rsa(bits: 4096)
    case .alphanumeric, .digits, .hex, .base64url, .printable, .bytes: nil
    }
  }

  fileprivate var alphabet: [UInt8]? {
    let digits = Array("0123456789".utf8)
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    return switch self {
    case .alphanumeric: letters + digits
    case .digits: digits
    case .hex: digits + Array("abcdef".utf8)
    case .base64url: letters + digits + Array("-_".utf8)
    case .printable: Array(33...126)
    case .bytes, .ed25519, .ecP256, .ecP384, .rsa3072, .rsa4096: nil
    }
  }
}

/// The textual encoding of keys (RFC 7468), in the arena.
enum SecretPEM {
  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
  )

  /// One block with lines of 64 characters and a line break at its end.
  static func encode(
    _ label: String,
    _ der: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes {
    let head = Array("-----BEGIN \(label)-----\n".utf8)
    let tail = Array("-----END \(label)-----\n".utf8)
    let characters = (der.count + 2) / 3 * 4
    let lines = (characters + 63) / 64
    var text = try SecretBytes(count: head.count + characters + lines + tail.count)
    text.withUnsafeMutableBytes { target in
      der.withUnsafeBytes { source in
        target.copyBytes(from: head)
        var next = head.count
        var column = 0
        for start in stride(from: 0, to: source.count, by: 3) {
          let rest = min(3, source.count - start)
          var group = UInt32(source[start]) << 16
          if rest > 1 { group |= UInt32(source[start + 1]) << 8 }
          if rest > 2 { group |= UInt32(source[start + 2]) }
          for index in 0..<4 {
            target[next] =
              index <= rest
              ? digits[Int(group >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "=")
            next += 1
          }
          column += 4
          if column == 64 || start + 3 >= source.count {
            target[next] = 10
            next += 1
            column = 0
          }
        }
        UnsafeMutableRawBufferPointer(rebasing: target[next...]).copyBytes(from: tail)
      }
    }
    return text
  }

  /// The DER of the first block of that label, decoded in the arena; nil if there is none, or if it
  /// is not well-formed.
  static func decode(
    _ label: String,
    _ text: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes? {
    let begin = Array("-----BEGIN \(label)-----".utf8)
    let end = Array("-----END \(label)-----".utf8)
    guard let start = text.firstRange(of: begin)?.upperBound,
      let stop = text.firstRange(of: end, from: start)?.lowerBound
    else { return nil }
    var der = try SecretBytes(count: (stop - start) / 4 * 3 + 3)
    let count = der.withUnsafeMutableBytes { target in
      text.withUnsafeBytes { source in decode(source[start..<stop], into: target) }
    }
    guard let count, count > 0 else { return nil }
    return try SecretBytes(copying: der, range: 0..<count)
  }

  private static func decode(
    _ text: Slice<UnsafeRawBufferPointer>,
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
      case 10, 13, 32, 9: continue
      default: return nil
      }
      guard padding == 0, count < target.count else { return nil }
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

extension SecretBytes {
  /// Where `marker` first stands at or behind `start`.
  func firstRange(of marker: [UInt8], from start: Int = 0) -> Range<Int>? {
    withUnsafeBytes { bytes in
      guard !marker.isEmpty, bytes.count - start >= marker.count else { return nil }
      for index in start...(bytes.count - marker.count)
      where bytes[index] == marker[0]
        && bytes[index..<(index + marker.count)].elementsEqual(marker)
      {
        return index..<(index + marker.count)
      }
      return nil
    }
  }
}
