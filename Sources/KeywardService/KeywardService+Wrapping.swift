package import KeywardCrypto
package import KeywardModel

/// Wrapping a caller's key under a key that stays here.
extension KeywardService {
  /// Wraps a caller's key: AES-KWP (RFC 5649), AES-KW (RFC 3394) or RSA-OAEP.
  package func wrap(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    material: SecretBox
  ) async throws(ServiceError) -> KeyAnswer<[UInt8]> {
    try await use(caller, .keyWrap, .wrap, name, request, input: material) {
      state,
      key,
      version throws(ServiceError) in
      let scheme = try Schemes.wrapping(key.type, request)
      return try self.wrapped(state, key, version, scheme, material)
    }
  }

  package func unwrap(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    wrapped: [UInt8]
  ) async throws(ServiceError) -> KeyAnswer<SecretBox> {
    try await use(caller, .keyUnwrap, .unwrap, name, request) {
      state,
      key,
      version throws(ServiceError) in
      let scheme = try Schemes.wrapping(key.type, request)
      return try self.unwrapped(state, key, version, scheme, wrapped)
    }
  }

  private func wrapped(
    _ state: UnsealedState,
    _ key: Key,
    _ version: KeyVersion,
    _ scheme: Schemes.Wrapping,
    _ material: SecretBox
  ) throws(ServiceError) -> [UInt8] {
    switch scheme {
    case .aesKW:
      let kek = try state.symmetric(key, version)
      return try Schemes.run { () throws(CryptoError) in
        try KeyWrap.wrap(kek: kek.bytes, material.bytes)
      }
    case .aesKWP:
      let kek = try state.symmetric(key, version)
      return try Schemes.run { () throws(CryptoError) in
        try KeyWrap.wrapPadded(kek: kek.bytes, material.bytes)
      }
    case .rsaOAEP(let hash):
      let pair = try state.keyPair(key, version)
      return try Schemes.run { () throws(CryptoError) in
        try pair.publicKey().encryptOAEP(
          hash: hash,
          mgf1: hash,
          label: [],
          plaintext: material.bytes
        )
      }
    }
  }

  private func unwrapped(
    _ state: UnsealedState,
    _ key: Key,
    _ version: KeyVersion,
    _ scheme: Schemes.Wrapping,
    _ wrapped: [UInt8]
  ) throws(ServiceError) -> SecretBox {
    switch scheme {
    case .aesKW:
      let kek = try state.symmetric(key, version)
      return try Schemes.run { () throws(CryptoError) in
        SecretBox(try KeyWrap.unwrap(kek: kek.bytes, wrapped))
      }
    case .aesKWP:
      let kek = try state.symmetric(key, version)
      return try Schemes.run { () throws(CryptoError) in
        SecretBox(try KeyWrap.unwrapPadded(kek: kek.bytes, wrapped))
      }
    case .rsaOAEP(let hash):
      let pair = try state.keyPair(key, version)
      return try Schemes.run { () throws(CryptoError) in
        SecretBox(
          try pair.decryptOAEP(hash: hash, mgf1: hash, label: [], ciphertext: wrapped)
        )
      }
    }
  }
}
