import COpenSSL

/// Owns an EVP_PKEY, and makes contexts for it.
///
/// Unchecked: an EVP_PKEY is immutable once made, its count and caches are locked by OpenSSL, and
/// every operation has a context of its own.
final class KeyHandle: @unchecked Sendable {
  let pointer: OpaquePointer

  /// Takes over one reference.
  init(owning pointer: OpaquePointer) {
    self.pointer = pointer
  }

  deinit { EVP_PKEY_free(pointer) }

  /// Runs `body` with a fresh EVP_PKEY_CTX.
  func withContext<R: ~Copyable>(
    _ body: (OpaquePointer) throws(CryptoError) -> R
  ) throws(CryptoError) -> R {
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, pointer, nil) else {
      throw OpenSSL.failure("EVP_PKEY_CTX_new_from_pkey")
    }
    defer { EVP_PKEY_CTX_free(context) }
    return try body(context)
  }

  /// A number of the key by its parameter name, which the caller frees; nil when it has none.
  func number(_ name: String) -> OpaquePointer? {
    var number: OpaquePointer?
    guard EVP_PKEY_get_bn_param(pointer, name, &number) == 1 else {
      OpenSSL.clearErrors()
      return nil
    }
    return number
  }
}
