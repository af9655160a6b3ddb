/// HMAC with a key that is used once (RFC 2104); see `HMACKey` for many messages.
package enum HMAC {
  /// The MAC of `message`, with SHA-256, SHA-384 or SHA-512.
  package static func authenticate(
    _ function: HashFunction,
    key: borrowing SecretBytes,
    _ message: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    try HMACKey(function, key: key).authenticate(message)
  }

  /// Whether `tag` is the whole MAC of `message`, compared in constant time.
  package static func verify(
    _ function: HashFunction,
    key: borrowing SecretBytes,
    _ message: [UInt8],
    tag: [UInt8]
  ) throws(CryptoError) -> Bool {
    try HMACKey(function, key: key).verify(message, tag: tag)
  }
}
