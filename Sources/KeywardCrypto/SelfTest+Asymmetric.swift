extension SelfTest {
  private typealias Known = KnownAnswers

  static let asymmetricTests: [Test] = rsa + ecdsa + curves

  private static let rsa = [
    Test(name: "rsa-pss-verify") { expected throws(CryptoError) in
      try PrivateKey(selfTest: Known.secret(Known.rsaKey)).publicKey().verify(
        .rsaPSS(.sha256),
        expected.answer(Known.rsaMessage),
        signature: Known.bytes(Known.rsaPSS)
      )
    },
    Test(name: "rsa-pss-sign") { expected throws(CryptoError) in
      let key = try PrivateKey(selfTest: Known.secret(Known.rsaKey))
      let signature = try key.sign(.rsaPSS(.sha256), Known.bytes(Known.rsaMessage))
      return try key.publicKey().verify(
        .rsaPSS(.sha256),
        expected.answer(Known.rsaMessage),
        signature: signature
      )
    },
    Test(name: "rsa-oaep-decrypt") { expected throws(CryptoError) in
      let plaintext = try PrivateKey(selfTest: Known.secret(Known.rsaKey)).decryptOAEP(
        ciphertext: Known.bytes(Known.rsaOAEP)
      )
      return expected.matches(plaintext, Known.rsaMessage)
    },
  ]

  private static let ecdsa = [
    Test(name: "ecdsa-p256-verify") { expected throws(CryptoError) in
      try PrivateKey(selfTest: Known.secret(Known.ecdsaKey)).publicKey().verify(
        .ecdsa(.sha256, encoding: .p1363),
        expected.answer(Known.ecdsaMessage),
        signature: Known.bytes(Known.ecdsaSignature)
      )
    },
    Test(name: "ecdsa-p256-sign") { expected throws(CryptoError) in
      let key = try PrivateKey(selfTest: Known.secret(Known.ecdsaKey))
      let scheme = SignatureScheme.ecdsa(.sha256, encoding: .der)
      let signature = try key.sign(scheme, Known.bytes(Known.ecdsaMessage))
      return try key.publicKey().verify(
        scheme,
        expected.answer(Known.ecdsaMessage),
        signature: signature
      )
    },
    Test(name: "ecdh-p256") { expected throws(CryptoError) in
      let key = try PrivateKey(selfTest: Known.secret(Known.ecdhKey))
      let shared = try key.agree(with: PublicKey(raw: Known.bytes(Known.ecdhPeer), .p256))
      return expected.matches(shared, Known.ecdh)
    },
  ]

  private static let curves = [
    Test(name: "ed25519-sign") { expected throws(CryptoError) in
      let key = try PrivateKey(raw: Known.secret(Known.ed25519Key), .ed25519)
      let signature = try key.sign(.ed25519, Known.bytes(Known.ed25519Message))
      return expected.matches(signature, Known.ed25519Signature)
    },
    Test(name: "ed25519-verify") { expected throws(CryptoError) in
      try PrivateKey(raw: Known.secret(Known.ed25519Key), .ed25519).publicKey().verify(
        .ed25519,
        expected.answer(Known.ed25519Message),
        signature: Known.bytes(Known.ed25519Signature)
      )
    },
    Test(name: "x25519") { expected throws(CryptoError) in
      let key = try PrivateKey(raw: Known.secret(Known.x25519Key), .x25519)
      let shared = try key.agree(with: PublicKey(raw: Known.bytes(Known.x25519Peer), .x25519))
      return expected.matches(shared, Known.x25519)
    },
  ]
}
