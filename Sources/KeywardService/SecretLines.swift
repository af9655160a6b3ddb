import KeywardCrypto
import KeywardModel

/// Lines of secret text, without leaving the arena.
extension SecretBytes {
  /// The length without white space and line breaks at the end, in bytes.
  borrowing func trimmedLengthOfText() -> Int {
    withUnsafeBytes { bytes in
      var end = bytes.count
      while end > 0, [9, 10, 13, 32].contains(bytes[end - 1]) { end -= 1 }
      return end
    }
  }

  var trimmedLength: Int { trimmedLengthOfText() }

  /// Whether the text begins as a share does.
  var looksLikeShares: Bool {
    withUnsafeBytes { bytes in
      let prefix = Array("kwshare".utf8)
      return bytes.count >= prefix.count
        && zip(bytes, prefix).allSatisfy { $0 | 0x20 == $1 }
    }
  }

  /// The lines that are not blank, at most 255 of at most 4096 bytes.
  borrowing func lines() throws(ServiceError) -> [SecretBox] {
    let ranges: [Range<Int>] = withUnsafeBytes { bytes in
      var ranges: [Range<Int>] = []
      var start = 0
      for index in 0...bytes.count where index == bytes.count || bytes[index] == 10 {
        if (start..<index).contains(where: { bytes[$0] > 32 }) { ranges.append(start..<index) }
        start = index + 1
      }
      return ranges
    }
    guard ranges.count <= 255, ranges.allSatisfy({ $0.count <= 4096 }) else {
      throw ServiceError(.limitExceeded, "The input has too many or too long lines.")
    }
    var boxes: [SecretBox] = []
    for range in ranges {
      do {
        boxes.append(SecretBox(try SecretBytes(copying: self, range: range)))
      } catch {
        throw ServiceError(error)
      }
    }
    return boxes
  }
}
