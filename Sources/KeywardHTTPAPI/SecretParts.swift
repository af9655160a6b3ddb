import KeywardCrypto
import KeywardModel

/// Splits a secret body at its first empty line: what proves the old seal, and the new passphrase.
enum SecretParts {
  /// The part before the first empty line and the one after it; the second is empty without one.
  ///
  /// Lines end with LF. The look-up touches each byte once and stays in the arena.
  static func split(_ body: SecretBody) throws(ServiceError) -> (SecretBody, SecretBody) {
    let count = body.bytes.count
    let gap = body.bytes.withUnsafeBytes { bytes -> Int? in
      let newline = UInt8(ascii: "\n")
      if bytes.first == newline { return 0 }
      for index in 0..<max(0, count - 1) where bytes[index] == newline {
        if bytes[index + 1] == newline { return index + 1 }
      }
      return nil
    }
    do {
      guard let gap else { return (body, SecretBox(try SecretBytes(count: 0))) }
      return (
        SecretBox(try SecretBytes(copying: body.bytes, range: 0..<gap)),
        SecretBox(try SecretBytes(copying: body.bytes, range: (gap + 1)..<count))
      )
    } catch {
      throw ServiceError(.unavailable, "The server has no locked memory left for the request.")
    }
  }
}
