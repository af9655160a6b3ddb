import KeywardCrypto

/// A form (`application/x-www-form-urlencoded`) composed within the arena.
enum FormBody {
  enum Value {
    case plain(String)
    case secret(SecretBox)
  }

  static func compose(_ fields: [(String, Value)]) throws(CloudFailure) -> SecretBox {
    do throws(CryptoError) {
      // Each byte takes three at most.
      let size = fields.reduce(0) { sum, field in
        switch field.1 {
        case .plain(let text): sum + 3 * text.utf8.count + field.0.utf8.count + 2
        case .secret(let box): sum + 3 * box.bytes.count + field.0.utf8.count + 2
        }
      }
      var buffer = try SecretBytes(count: size)
      var count = 0
      buffer.withUnsafeMutableBytes { target in
        for (name, value) in fields {
          if count > 0 { put(UInt8(ascii: "&"), target, &count) }
          for byte in name.utf8 { put(byte, target, &count) }
          put(UInt8(ascii: "="), target, &count)
          switch value {
          case .plain(let text): for byte in text.utf8 { encode(byte, target, &count) }
          case .secret(let box):
            box.bytes.withUnsafeBytes { for byte in $0 { encode(byte, target, &count) } }
          }
        }
      }
      return SecretBox(try SecretBytes(copying: buffer, range: 0..<count))
    } catch {
      throw CloudFailure(.internalFailure, "No locked memory is left for a request.")
    }
  }

  /// A public prefix and a secret after it.
  static func join(_ prefix: String, _ secret: SecretBox) throws(CloudFailure) -> SecretBox {
    do throws(CryptoError) {
      let start = Array(prefix.utf8)
      var joined = try SecretBytes(count: start.count + secret.bytes.count)
      joined.withUnsafeMutableBytes { target in
        target.copyBytes(from: start)
        secret.bytes.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(rebasing: target[start.count...]).copyMemory(from: $0)
        }
      }
      return SecretBox(joined)
    } catch {
      throw CloudFailure(.internalFailure, "No locked memory is left for a request.")
    }
  }

  private static func put(
    _ byte: UInt8,
    _ target: UnsafeMutableRawBufferPointer,
    _ count: inout Int
  ) {
    target[count] = byte
    count += 1
  }

  private static func encode(
    _ byte: UInt8,
    _ target: UnsafeMutableRawBufferPointer,
    _ count: inout Int
  ) {
    guard !CanonicalURI.isUnreserved(byte) else { return put(byte, target, &count) }
    put(UInt8(ascii: "%"), target, &count)
    for nibble in [byte >> 4, byte & 15] {
      put(nibble < 10 ? 48 + nibble : 55 + nibble, target, &count)
    }
  }
}
