package import KeywardCrypto

/// Bytes with secrets among them, which grow in the locked arena and are never anywhere else.
///
/// What is outgrown is wiped when it is released. Appending fails with `outOfSecureMemory` alone.
package struct SecretText: ~Copyable {
  private var bytes: SecretBytes
  package private(set) var count = 0

  package init(capacity: Int = 256) throws(CryptoError) {
    bytes = try SecretBytes(count: max(capacity, 16))
  }

  /// Appends text that is not secret: names, quotes, escapes.
  package mutating func append(_ text: String) throws(CryptoError) {
    try append(Array(text.utf8))
  }

  /// Appends bytes that are not secret.
  package mutating func append(_ text: [UInt8]) throws(CryptoError) {
    let result = text.withUnsafeBytes { source in
      Result { () throws(CryptoError) in try append(source) }
    }
    try result.get()
  }

  package mutating func append(_ source: UnsafeRawBufferPointer) throws(CryptoError) {
    try append(count: source.count) { $0.copyMemory(from: source) }
  }

  package mutating func append(byte: UInt8) throws(CryptoError) {
    try append(count: 1) { $0[0] = byte }
  }

  /// Appends `more` bytes that `fill` writes where they stand.
  package mutating func append(
    count more: Int,
    _ fill: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(CryptoError) {
    try reserve(more)
    let range = count..<count + more
    bytes.withUnsafeMutableBytes { fill(UnsafeMutableRawBufferPointer(rebasing: $0[range])) }
    count += more
  }

  /// What has been appended; the builder ends with it.
  package consuming func finish() throws(CryptoError) -> SecretBytes {
    try SecretBytes(copying: bytes, range: 0..<count)
  }

  /// What has been appended so far, which must not escape the call.
  package borrowing func withUnsafeBytes<R: ~Copyable, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let end = count
    return try bytes.withUnsafeBytes { whole throws(E) in
      try body(UnsafeRawBufferPointer(rebasing: whole[..<end]))
    }
  }

  private mutating func reserve(_ more: Int) throws(CryptoError) {
    let (needed, overflow) = count.addingReportingOverflow(more)
    guard !overflow else { throw .outOfSecureMemory }
    guard needed > bytes.count else { return }
    let (doubled, tooLarge) = bytes.count.multipliedReportingOverflow(by: 2)
    var grown = try SecretBytes(count: tooLarge ? needed : max(needed, doubled))
    let end = count
    bytes.withUnsafeBytes { old in
      grown.withUnsafeMutableBytes { new in
        new.copyMemory(from: UnsafeRawBufferPointer(rebasing: old[..<end]))
      }
    }
    bytes = grown
  }
}
