extension SelfTest {
  private typealias Known = KnownAnswers

  static let symmetricTests: [Test] =
    [
      digest("sha-256", .sha256, Known.sha256), digest("sha-384", .sha384, Known.sha384),
      digest("sha-512", .sha512, Known.sha512),
      mac("hmac-sha-256", .sha256, Known.mac256), mac("hmac-sha-384", .sha384, Known.mac384),
      mac("hmac-sha-512", .sha512, Known.mac512),
      hkdf, scrypt,
    ]
    + aead("aes-128-gcm", .aes128GCM, key: Known.gcmKey, Known.gcm128)
    + aead("aes-256-gcm", .aes256GCM, key: Known.gcmKey + Known.gcmKey, Known.gcm256)
    + chacha
    + message("aes-128-ctr", .aes128CTR, Known.message128)
    + message("aes-256-ctr", .aes256CTR, Known.message256)
    + message("chacha20", .chacha20, Known.messageChaCha)
    + wraps

  private static func digest(_ name: String, _ function: HashFunction, _ answer: String) -> Test {
    Test(name: name) { expected throws(CryptoError) in
      try expected.matches(Digest.hash(function, Known.bytes(Known.abc)), answer)
    }
  }

  private static func mac(_ name: String, _ function: HashFunction, _ answer: String) -> Test {
    Test(name: name) { expected throws(CryptoError) in
      let key = try Known.secret(Known.macKey)
      return try HMAC.verify(
        function,
        key: key,
        Known.bytes(Known.macMessage),
        tag: expected.answer(answer)
      )
    }
  }

  private static let hkdf = Test(name: "hkdf-sha-256") { expected throws(CryptoError) in
    let key = try Known.secret(Known.hkdfKey)
    let derived = try HKDF.derive(
      .sha256,
      key: key,
      salt: Known.bytes(Known.hkdfSalt),
      info: Known.bytes(Known.hkdfInfo),
      count: 42
    )
    return expected.matches(derived, Known.hkdf)
  }

  private static let scrypt = Test(name: "scrypt") { expected throws(CryptoError) in
    let passphrase = try SecretBytes(count: 0)
    let derived = try Scrypt.derive(
      passphrase: passphrase,
      salt: [],
      logN: 4,
      r: 1,
      p: 1,
      count: 64
    )
    return expected.matches(derived, Known.scrypt)
  }

  private static func aead(
    _ name: String,
    _ algorithm: AEAD.Algorithm,
    key: String,
    _ answer: String
  ) -> [Test] {
    aead(
      name,
      algorithm,
      key: key,
      nonce: Known.gcmNonce,
      aad: Known.gcmAAD,
      plaintext: Known.gcmPlaintext,
      answer
    )
  }

  private static let chacha = aead(
    "chacha20-poly1305",
    .chacha20Poly1305,
    key: Known.chachaKey,
    nonce: Known.chachaNonce,
    aad: Known.chachaAAD,
    plaintext: Known.chachaPlaintext,
    Known.chacha
  )

  private static func aead(
    _ name: String,
    _ algorithm: AEAD.Algorithm,
    key: String,
    nonce: String,
    aad: String,
    plaintext: String,
    _ answer: String
  ) -> [Test] {
    [
      Test(name: "\(name)-encrypt") { expected throws(CryptoError) in
        let sealed = try AEAD.seal(
          algorithm,
          key: Known.secret(key),
          nonce: Known.bytes(nonce),
          aad: Known.bytes(aad),
          plaintext: Known.secret(plaintext)
        )
        return expected.matches(sealed, answer)
      },
      Test(name: "\(name)-decrypt") { expected throws(CryptoError) in
        let opened = try AEAD.open(
          algorithm,
          key: Known.secret(key),
          nonce: Known.bytes(nonce),
          aad: Known.bytes(aad),
          ciphertext: Known.bytes(answer)
        )
        return expected.matches(opened, plaintext)
      },
    ]
  }

  private static func message(
    _ name: String,
    _ cipher: CommittingAEAD.Cipher,
    _ answer: String
  ) -> [Test] {
    let key = (0..<cipher.keyLength).map { UInt8($0) }
    return [
      Test(name: "message-\(name)-encrypt") { expected throws(CryptoError) in
        let sealed = try CommittingAEAD.seal(
          cipher,
          key: SecretBytes.fixture(key),
          salt: Known.bytes(Known.messageSalt),
          aad: Known.bytes(Known.messageAAD),
          plaintext: Known.secret(Known.messagePlaintext)
        )
        return expected.matches(sealed, answer)
      },
      Test(name: "message-\(name)-decrypt") { expected throws(CryptoError) in
        let opened = try CommittingAEAD.open(
          cipher,
          key: SecretBytes.fixture(key),
          salt: Known.bytes(Known.messageSalt),
          aad: Known.bytes(Known.messageAAD),
          ciphertext: Known.bytes(answer)
        )
        return expected.matches(opened, Known.messagePlaintext)
      },
    ]
  }

  private static let wraps = [
    Test(name: "aes-kw-wrap") { expected throws(CryptoError) in
      let wrapped = try KeyWrap.wrap(
        kek: Known.secret(Known.wrapKEK),
        Known.secret(Known.wrapKey)
      )
      return expected.matches(wrapped, Known.wrapped)
    },
    Test(name: "aes-kw-unwrap") { expected throws(CryptoError) in
      let key = try KeyWrap.unwrap(kek: Known.secret(Known.wrapKEK), Known.bytes(Known.wrapped))
      return expected.matches(key, Known.wrapKey)
    },
    Test(name: "aes-kwp-wrap") { expected throws(CryptoError) in
      let wrapped = try KeyWrap.wrapPadded(
        kek: Known.secret(Known.paddedKEK),
        Known.secret(Known.paddedKey)
      )
      return expected.matches(wrapped, Known.paddedWrapped)
    },
    Test(name: "aes-kwp-unwrap") { expected throws(CryptoError) in
      let key = try KeyWrap.unwrapPadded(
        kek: Known.secret(Known.paddedKEK),
        Known.bytes(Known.paddedWrapped)
      )
      return expected.matches(key, Known.paddedKey)
    },
  ]
}
