package import KeywardCrypto

/// Masks a stream of bytes as it comes, whatever pieces it comes in.
///
/// Bytes that are, or may become, part of a secret stay here. What is at stake when nothing more
/// comes is decided in `expire`: text may not wait for ever, and no secret may go.
package struct MaskStream: ~Copyable {
  /// A beginning of a secret of fewer bytes goes out at the deadline.
  ///
  /// So much of a secret can be seen if a program stops in the middle of it, and no more: from here
  /// on it is kept until it is decided.
  package static let shortestKept = 4
  private static let inputCount = 1 << 17

  private let matcher: MaskMatcher
  private var buffer: SecretBytes
  private var output: SecretBytes
  private var outputCount = 0
  /// The bytes of the buffer; the first of them is the first that is not decided.
  private var end = 0
  /// How many of them are out already, masked or not.
  private var passed = 0
  /// Where masked bytes end; -1 when none are near.
  private var maskedEnd = -1

  package init(_ matcher: MaskMatcher) throws(CryptoError) {
    let count = Self.inputCount + 2 * MaskMatcher.maximumPattern
    let buffer = try SecretBytes(count: count)
    // A token can be longer than what it replaces, by a few bytes.
    let output = try SecretBytes(count: 2 * count + 64)
    self.matcher = matcher
    self.buffer = buffer
    self.output = output
  }

  /// Whether bytes are held back that have not gone out.
  package var isHolding: Bool { end > passed }

  /// Takes what `read` puts into the buffer, and returns its result.
  package mutating func fill(_ read: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
    let end = self.end
    let count = buffer.withUnsafeMutableBytes { bytes in
      read(UnsafeMutableRawBufferPointer(rebasing: bytes[end..<end + Self.inputCount]))
    }
    guard count > 0 else { return count }
    self.end += count
    scan()
    return count
  }

  /// Gives what may go out to `body`, which must take all of it.
  package mutating func drain<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    let count = outputCount
    outputCount = 0
    return output.withUnsafeMutableBytes { bytes in
      let result = body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      return result
    }
  }

  /// The deadline of held bytes has come: everything goes out that is before the first beginning
  /// of a secret of `shortestKept` bytes, or of any beginning right behind masked bytes.
  ///
  /// The bytes stay known, so if one of them began a secret after all, its rest is masked.
  package mutating func expire() {
    let end = self.end
    walkHeld { stream, tables, bytes in
      var index = 0
      while index < end {
        let finding = tables.find(UnsafeRawBufferPointer(rebasing: bytes[index..<end]))
        if finding.whole > 0 { stream.mask(bytes, from: index, count: finding.whole) }
        // Right behind masked bytes it is the next piece of the same long secret.
        if finding.begun > 0, end - index >= Self.shortestKept || index <= stream.maskedEnd {
          break
        }
        index += 1
      }
      stream.pass(bytes, to: index)
    }
  }

  /// The stream has ended: what is held is decided as far as it can be.
  ///
  /// At least 8 bytes that are at least half of a secret are masked too: a program that was stopped
  /// while it printed one.
  package mutating func finish() {
    let end = self.end
    walkHeld { stream, tables, bytes in
      var index = 0
      while index < end {
        let finding = tables.find(UnsafeRawBufferPointer(rebasing: bytes[index..<end]))
        if finding.whole > 0 {
          stream.mask(bytes, from: index, count: finding.whole)
        } else if finding.begun > 0, end - index >= max(8, (finding.begun + 1) / 2) {
          stream.mask(bytes, from: index, count: end - index)
        }
        index += 1
      }
      stream.pass(bytes, to: end)
    }
    self.end = 0
    passed = 0
    maskedEnd = -1
  }

  /// Decides as many bytes as can be decided.
  private mutating func scan() {
    let end = self.end
    var decided = 0
    walkHeld { stream, tables, bytes in
      let last = end - 3
      var index = 0
      search: while index < end {
        // Fewer than four bytes cannot be looked up in the filter.
        if index < last {
          index = tables.candidate(bytes, from: index, to: last)
          if index == last { continue }
        }
        let finding = tables.find(UnsafeRawBufferPointer(rebasing: bytes[index..<end]))
        if finding.begun > 0 { break search }
        if finding.whole > 0 { stream.mask(bytes, from: index, count: finding.whole) }
        index += 1
      }
      stream.pass(bytes, to: index)
      decided = index
    }
    discard(decided)
  }

  private mutating func walkHeld(
    _ body: (inout MaskStream, MaskTables, UnsafeRawBufferPointer) -> Void
  ) {
    let base = buffer.withUnsafeMutableBytes { UnsafeRawBufferPointer($0) }
    matcher.withTables { tables in body(&self, tables, base) }
  }

  private mutating func discard(_ count: Int) {
    guard count > 0 else { return }
    let rest = end - count
    buffer.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      base.copyMemory(from: base + count, byteCount: rest)
    }
    end = rest
    passed = max(0, passed - count)
    maskedEnd = max(-1, maskedEnd - count)
  }

  private mutating func mask(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) {
    let end = start + count
    guard end > maskedEnd else { return }
    pass(bytes, to: start)
    // One for a run; after bytes that had to go out there is another run.
    if passed > maskedEnd { put(matcher.token) }
    maskedEnd = end
    passed = max(passed, end)
  }

  /// Lets bytes go as they are, up to a position.
  private mutating func pass(_ bytes: UnsafeRawBufferPointer, to limit: Int) {
    guard limit > passed else { return }
    let (start, count) = (passed, limit - passed)
    let at = outputCount
    output.withUnsafeMutableBytes { output in
      UnsafeMutableRawBufferPointer(rebasing: output[at..<at + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
    }
    outputCount += count
    passed = limit
  }

  private mutating func put(_ token: [UInt8]) {
    let at = outputCount
    output.withUnsafeMutableBytes { output in
      UnsafeMutableRawBufferPointer(rebasing: output[at..<at + token.count]).copyBytes(from: token)
    }
    outputCount += token.count
  }
}
