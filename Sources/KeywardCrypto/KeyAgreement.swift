import CKeywardShims
import COpenSSL

extension PrivateKey {
  /// The secret shared with `peer`, a key of the same curve.
  ///
  /// It is the x coordinate in full width, or the X25519 output. It is not uniform: derive keys from
  /// it with `HKDF`.
  ///
  /// A peer of low order, whose X25519 output is zero for every private key, is `invalidKey`
  /// (RFC 7748 §6.1).
  package func agree(with peer: PublicKey) throws(CryptoError) -> SecretBytes {
    guard algorithm.isEllipticCurve || algorithm == .x25519 else {
      throw .invalidInput("key agreement needs a curve or X25519")
    }
    guard peer.algorithm == algorithm else { throw .invalidKey("the peer has another algorithm") }
    defer { kw_scrub_stack() }
    let size = algorithm.fieldLength ?? 32
    let shared = try SecretBytes(count: size)
    let output = shared.mutablePointer
    try handle.withContext { context throws(CryptoError) in
      guard EVP_PKEY_derive_init(context) == 1 else {
        throw OpenSSL.failure("EVP_PKEY_derive_init")
      }
      var length = size
      guard EVP_PKEY_derive_set_peer_ex(context, peer.handle.pointer, 1) == 1,
        EVP_PKEY_derive(context, output, &length) == 1, length == size
      else {
        OpenSSL.clearErrors()
        throw .invalidKey("no shared secret with this peer")
      }
    }
    // On the other curves zero is the x coordinate of an honest point.
    let zero = try SecretBytes(count: size)
    guard algorithm != .x25519 || !shared.constantTimeEquals(zero) else {
      throw .invalidKey("no shared secret with this peer")
    }
    return shared
  }
}
