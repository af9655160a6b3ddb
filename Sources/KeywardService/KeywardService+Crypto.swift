package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy

/// The answer of an operation that used a key, and which version made or took it.
///
/// Public bytes, such as ciphertext and signatures, are arrays; what must stay secret is a box.
package struct KeyAnswer<Value: Sendable>: Sendable {
  package let value: Value
  package let version: Int

  package init(_ value: Value, version: Int) {
    self.value = value
    self.version = version
  }
}

/// Using keys. The version is the primary one for what protects, and for what processes the one
/// that the ciphertext or the request names; the state table has the last word on either.
extension KeywardService {
  package func encrypt(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    plaintext: SecretBox,
    reply: @escaping Reply<KeyAnswer<[UInt8]>>
  ) {
    use(caller, .keyEncrypt, .encrypt, name, request, input: plaintext, reply: reply) {
      state,
      key,
      version throws(ServiceError) in
      try self.encryption(state, key, version, request, plaintext)
    }
  }

  package func decrypt(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    ciphertext: [UInt8],
    reply: @escaping Reply<KeyAnswer<SecretBox>>
  ) {
    use(
      caller,
      .keyDecrypt,
      .decrypt,
      name,
      request,
      named: Ciphertext.version(of: ciphertext),
      reply: reply
    ) {
      state,
      key,
      version throws(ServiceError) in
      try self.decryption(state, key, version, request, ciphertext)
    }
  }

  /// Decrypts and encrypts again under the primary version, without showing the plaintext.
  package func rewrap(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    ciphertext: [UInt8]
  ) async throws(ServiceError) -> KeyAnswer<[UInt8]> {
    try await use(
      caller,
      .keyRewrap,
      .decrypt,
      name,
      request,
      named: Ciphertext.version(of: ciphertext)
    ) {
      state,
      key,
      version throws(ServiceError) in
      let plaintext = try self.decryption(state, key, version, request, ciphertext)
      let primary = try self.choose(key, nil, for: .encrypt)
      return try self.encryption(state, key, primary, request, plaintext)
    }
  }

  package func sign(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    message: SecretBox
  ) async throws(ServiceError) -> KeyAnswer<[UInt8]> {
    try await use(caller, .keySign, .sign, name, request, input: message) {
      state,
      key,
      version throws(ServiceError) in
      let scheme = try Schemes.signature(key.type, request)
      let pair = try state.keyPair(key, version)
      return try Schemes.run { () throws(CryptoError) in
        let input = message.bytes.revealed()
        let signature =
          request.prehashed
          ? try pair.sign(prehashed: input, scheme) : try pair.sign(scheme, input)
        return signature
      }
    }
  }

  package func verify(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    message: SecretBox
  ) async throws(ServiceError) -> VerificationResult {
    try await awaiting { reply in
      check(caller, .keyVerify, .verify, name, request, input: message, reply: reply) {
        state,
        key,
        version throws(ServiceError) in
        let scheme = try Schemes.signature(key.type, request)
        let pair = try state.keyPair(key, version)
        return try Schemes.run { () throws(CryptoError) in
          let key = try pair.publicKey()
          let input = message.bytes.revealed()
          return request.prehashed
            ? key.verify(prehashed: input, scheme, signature: request.signature)
            : key.verify(scheme, input, signature: request.signature)
        }
      }
    }
  }

  package func mac(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    message: SecretBox,
    reply: @escaping Reply<KeyAnswer<[UInt8]>>
  ) {
    use(caller, .keyMAC, .mac, name, request, input: message, reply: reply) {
      state,
      key,
      version throws(ServiceError) in
      let hash = try Schemes.macHash(key.type)
      let box = try state.symmetric(key, version)
      return try Schemes.run { () throws(CryptoError) in
        try HMAC.authenticate(hash, key: box.bytes, message.bytes.revealed())
      }
    }
  }

  package func macVerify(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    message: SecretBox,
    reply: @escaping Reply<VerificationResult>
  ) {
    check(caller, .keyMACVerify, .macVerify, name, request, input: message, reply: reply) {
      state,
      key,
      version throws(ServiceError) in
      let hash = try Schemes.macHash(key.type)
      let box = try state.symmetric(key, version)
      return try Schemes.run { () throws(CryptoError) in
        try HMAC.verify(
          hash,
          key: box.bytes,
          message.bytes.revealed(),
          tag: request.signature
        )
      }
    }
  }

  /// The shared secret with the public key in the body (ECDH SP 800-56A, X25519 RFC 7748).
  package func agree(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    peer: [UInt8]
  ) async throws(ServiceError) -> KeyAnswer<SecretBox> {
    try await use(caller, .keyAgree, .agree, name, request) {
      state,
      key,
      version throws(ServiceError) in
      let pair = try state.keyPair(key, version)
      return try Schemes.run { () throws(CryptoError) in
        SecretBox(try pair.agree(with: try PublicKey(spki: peer)))
      }
    }
  }

  /// Bytes derived by HKDF-SHA-256; the body is the info, the context the salt.
  package func derive(
    _ caller: Caller,
    name: KeyName,
    _ request: CryptoRequest,
    info: [UInt8]
  ) async throws(ServiceError) -> KeyAnswer<SecretBox> {
    try await use(caller, .keyDerive, .derive, name, request) {
      state,
      key,
      version throws(ServiceError) in
      let count = request.count ?? 32
      guard (1...8160).contains(count) else {
        throw ServiceError(.invalidRequest, "'count' is not within 1 and 8160 bytes.")
      }
      let box = try state.symmetric(key, version)
      let label = RecordWriter.derivation(key: key.id, version: version.number, info: info)
      return try Schemes.run { () throws(CryptoError) in
        SecretBox(
          try HKDF.derive(
            .sha256,
            key: box.bytes,
            salt: request.context,
            info: label,
            count: count
          )
        )
      }
    }
  }
}

/// The steps that these share.
extension KeywardService {
  func use<Value: Sendable>(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ needed: KeyOperation,
    _ name: KeyName,
    _ request: CryptoRequest,
    input: SecretBox? = nil,
    named: Int? = nil,
    act: (UnsealedState, Key, KeyVersion) throws(ServiceError) -> Value
  ) async throws(ServiceError) -> KeyAnswer<Value> {
    try await awaiting { reply in
      use(
        caller,
        operation,
        needed,
        name,
        request,
        input: input,
        named: named,
        reply: reply,
        act: act
      )
    }
  }

  private func use<Value: Sendable>(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ needed: KeyOperation,
    _ name: KeyName,
    _ request: CryptoRequest,
    input: SecretBox? = nil,
    named: Int? = nil,
    reply: @escaping Reply<KeyAnswer<Value>>,
    act: (UnsealedState, Key, KeyVersion) throws(ServiceError) -> Value
  ) {
    answer(caller, operation, .key(name), reply: reply) { _, state, record throws(ServiceError) in
      try checkInput(input)
      let key = try find(name, in: state)
      // A changed byte in a ciphertext's version is a decryption that fails like any other.
      if request.version == nil, let named, key.version(named) == nil {
        record.used(key, nil)
        throw .decryptionFailed
      }
      let version = try choose(key, request.version ?? named, for: needed)
      record.used(key, version)
      return KeyAnswer(try act(state, key, version), version: version.number)
    }
  }

  private func check(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ needed: KeyOperation,
    _ name: KeyName,
    _ request: CryptoRequest,
    input: SecretBox,
    reply: @escaping Reply<VerificationResult>,
    act: (UnsealedState, Key, KeyVersion) throws(ServiceError) -> Bool
  ) {
    use(
      caller,
      operation,
      needed,
      name,
      request,
      input: input,
      reply: { reply($0.map { VerificationResult(valid: $0.value, version: $0.version) }) },
      act: act
    )
  }

  private func checkInput(_ input: SecretBox?) throws(ServiceError) {
    guard let input, input.bytes.count > options.maximumInput else { return }
    throw ServiceError(
      .limitExceeded,
      "The input is longer than \(options.maximumInput) bytes.",
      remedy: "Encrypt large data under a data key, and wrap that."
    )
  }

  /// The version to use: the one asked for, or the primary; and only if key and state allow.
  func choose(
    _ key: Key,
    _ number: Int?,
    for operation: KeyOperation
  ) throws(ServiceError) -> KeyVersion {
    guard key.attributes.operations.contains(operation) else {
      throw ServiceError(
        .keyUsage,
        "The key '\(key.name)' does not \(operation.rawValue).",
        remedy: "It does: \(key.attributes.operations.text)."
      )
    }
    let version: KeyVersion
    if let number {
      version = try find(number, of: key)
    } else if let primary = key.primary {
      version = primary
    } else {
      throw ServiceError(
        .keyState,
        "The key '\(key.name)' has no active version.",
        remedy: "See its versions with: keyward key show \(key.name)."
      )
    }
    guard version.operations.contains(operation) else {
      let state =
        version.destroyAt == nil || version.state == .destroyed
        ? version.state.rawValue : "waiting for destruction"
      throw ServiceError(
        .keyState,
        "Version \(version.number) of '\(key.name)' is \(state) and does not "
          + "\(operation.rawValue)."
      )
    }
    return version
  }

  private func encryption(
    _ state: UnsealedState,
    _ key: Key,
    _ version: KeyVersion,
    _ request: CryptoRequest,
    _ plaintext: SecretBox
  ) throws(ServiceError) -> [UInt8] {
    let binding = binding(state, key, version, request)
    if let suite = EnvelopeSuite(key.type) {
      let box = try state.symmetric(key, version)
      do {
        let envelope = try Envelope.seal(
          suite,
          key: box.bytes,
          version: UInt32(clamping: version.number),
          aad: binding,
          plaintext: plaintext.bytes
        )
        return envelope
      } catch {
        throw ServiceError(error)
      }
    }
    return try Ciphertext.sealRSA(try state.keyPair(key, version), version, binding, plaintext)
  }

  private func decryption(
    _ state: UnsealedState,
    _ key: Key,
    _ version: KeyVersion,
    _ request: CryptoRequest,
    _ ciphertext: [UInt8]
  ) throws(ServiceError) -> SecretBox {
    let binding = binding(state, key, version, request)
    if let suite = EnvelopeSuite(key.type) {
      let box = try state.symmetric(key, version)
      do {
        return SecretBox(
          try Envelope.open(expecting: suite, key: box.bytes, aad: binding, ciphertext)
        )
      } catch {
        throw ServiceError(error)
      }
    }
    return try Ciphertext.openRSA(try state.keyPair(key, version), version, binding, ciphertext)
  }

  /// What a ciphertext of `encrypt` is bound to, whatever the type of its key.
  private func binding(
    _ state: UnsealedState,
    _ key: Key,
    _ version: KeyVersion,
    _ request: CryptoRequest
  ) -> AssociatedData {
    .message(
      store: state.store,
      key: key.id,
      version: UInt32(clamping: version.number),
      context: request.context
    )
  }
}

extension RecordWriter {
  /// The HKDF info of derive: bound to key and version, so that no two keys derive alike.
  fileprivate static func derivation(key: KeyID, version: Int, info: [UInt8]) -> [UInt8] {
    var record = RecordWriter("keyward/v1/derive")
    record.add(key.bytes)
    record.add(UInt64(clamping: version))
    record.add(info)
    return record.bytes
  }
}
