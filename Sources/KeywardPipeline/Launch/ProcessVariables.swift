package import KeywardCrypto

/// The environment of a process to be, with secrets in it: its texts are in the arena.
package struct ProcessVariables: ~Copyable {
  private var text: SecretText
  private var offsets: [Int] = []

  package init() throws(CryptoError) {
    text = try SecretText(capacity: 1 << 13)
  }

  /// Adds `NAME=VALUE`; neither may hold a NUL.
  package mutating func add(
    _ name: [UInt8],
    _ value: UnsafeRawBufferPointer
  ) throws(CryptoError) {
    offsets.append(text.count)
    try text.append(name)
    try text.append(byte: 0x3d)
    try text.append(value)
    try text.append(byte: 0)
  }

  package mutating func add(_ name: [UInt8], _ value: [UInt8]) throws(CryptoError) {
    let result = value.withUnsafeBytes { value in
      Result { () throws(CryptoError) in try add(name, value) }
    }
    try result.get()
  }

  /// Calls `body` with a NULL-terminated array of texts and the memory that holds them.
  package borrowing func withPointers<R, E: Error>(
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>, UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let offsets = self.offsets
    return try text.withUnsafeBytes { bytes throws(E) in
      let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
      var pointers = offsets.map { base?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
      pointers.append(nil)
      let result = pointers.withUnsafeBufferPointer { pointers in
        Result { () throws(E) -> R in
          guard let start = pointers.baseAddress else { preconditionFailure("an empty array") }
          return try body(start, bytes)
        }
      }
      return try result.get()
    }
  }
}
