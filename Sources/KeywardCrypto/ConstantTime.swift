import COpenSSL

/// Compares two byte strings in time that depends on the lengths alone (tokens, MACs).
package func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}
