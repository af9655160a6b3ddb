import KeywardCrypto
import Testing

/// What the import of keys refuses; Python makes the keys that OpenSSL would take.
@Suite
struct KeyImportTests {
  private static let all: [AsymmetricAlgorithm] = [
    .rsa(bits: 2048), .p256, .p384, .p521, .secp256k1, .ed25519, .x25519,
  ]

  @Test(arguments: all)
  func roundTrip(algorithm: AsymmetricAlgorithm) throws {
    let key = try PrivateKey.generate(algorithm)
    let encoded = try key.pkcs8()
    let again = try PrivateKey(pkcs8: encoded, expecting: algorithm)
    #expect(try again.pkcs8().revealed() == encoded.revealed())
    let spki = try key.publicKey().spki()
    #expect(try PublicKey(spki: spki).spki() == spki)
    #expect(try PublicKey(spki: spki).algorithm == algorithm)
    if !algorithm.isRSA {
      #expect(try PublicKey(raw: PublicKey(spki: spki).raw(), algorithm).spki() == spki)
    }
    for other in Self.all where other != algorithm {
      refused("another algorithm than expected") {
        _ = try PrivateKey(pkcs8: encoded, expecting: other)
      }
    }
  }

  @Test(arguments: all)
  func malformed(algorithm: AsymmetricAlgorithm) throws {
    let key = try PrivateKey.generate(algorithm)
    let encoded = try key.pkcs8().revealed()
    refused { _ = try PrivateKey(pkcs8: secret(encoded + [0])) }
    refused { _ = try PrivateKey(pkcs8: secret(Array(encoded.dropLast()))) }
    refused { _ = try PrivateKey(pkcs8: secret([])) }
    // Bytes after the inner key, with all lengths around it made right.
    refused { _ = try PrivateKey(pkcs8: secret(padInner(encoded))) }
    let spki = try key.publicKey().spki()
    refused { _ = try PublicKey(spki: spki + [0]) }
    refused { _ = try PublicKey(spki: Array(spki.dropLast())) }
    refused { _ = try PublicKey(spki: []) }
    refused { _ = try PublicKey(spki: [UInt8](repeating: 0x30, count: 100_000)) }
  }

  /// Keys that are weak, or whose numbers do not belong together.
  @Test(arguments: [
    "rsa-1024", "rsa-e3", "rsa-wrong-d", "rsa-composite-p", "rsa-uneven-primes", "rsa-close-primes",
    "rsa-three-primes", "rsa-wrong-qinv", "rsa-pss-oid", "ec-p224", "ec-brainpool", "ec-zero",
    "ec-order", "ec-wrong-public", "ec-explicit", "ec-compressed", "ed448", "dsa", "dh",
    "encrypted", "pem", "pkcs1", "sec1", "attributes",
  ])
  func weakPrivateKey(kind: String) throws {
    let made = try PythonOracle().ask(["op": "weak-private", "kind": kind])
    let encoded = try #require(made.out, "\(made.error ?? "")")
    refused { _ = try PrivateKey(pkcs8: secret(encoded)) }
  }

  @Test(arguments: [
    "rsa-1024", "rsa-e3", "rsa-even-e", "rsa-long-e", "rsa-no-null", "rsa-16384", "ec-off-curve",
    "ec-infinity", "ec-compressed", "ec-hybrid", "ec-explicit", "ec-p224", "ed25519-short",
    "unused-bits", "ber-length",
  ])
  func weakPublicKey(kind: String) throws {
    let made = try PythonOracle().ask(["op": "weak-public", "kind": kind])
    let encoded = try #require(made.out, "\(made.error ?? "")")
    refused { _ = try PublicKey(spki: encoded) }
  }

  /// The same key, made by the same code, is taken when nothing is wrong with it.
  @Test(arguments: ["rsa-good", "ec-good"])
  func goodKey(kind: String) throws {
    let oracle = try PythonOracle()
    let privateKey = try #require(try oracle.ask(["op": "weak-private", "kind": kind]).out)
    _ = try PrivateKey(pkcs8: secret(privateKey))
    let publicKey = try #require(try oracle.ask(["op": "weak-public", "kind": kind]).out)
    _ = try PublicKey(spki: publicKey)
  }

  @Test
  func x25519LowOrder() throws {
    let key = try PrivateKey.generate(.x25519)
    for raw in [[UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31)] {
      refused { _ = try key.agree(with: PublicKey(raw: raw, .x25519)) }
    }
  }

  @Test(arguments: [1024, 2047, 2052, 16_384])
  func rsaSizes(bits: Int) {
    #expect(throws: CryptoError.invalidInput("RSA needs 2048 to 8192 bits")) {
      _ = try PrivateKey.generate(.rsa(bits: bits))
    }
  }

  /// A scheme that does not fit the key is refused, and never verifies.
  @Test(arguments: all)
  func schemesFit(algorithm: AsymmetricAlgorithm) throws {
    let key = try PrivateKey.generate(algorithm)
    let schemes: [SignatureScheme] = [
      .rsaPSS(.sha256), .rsaPKCS1(.sha256), .ecdsa(.sha256, encoding: .der),
      .ecdsa(.sha256, encoding: .p1363), .ed25519, .rsaPSS(.sha1), .rsaPKCS1(.sha1),
      .ecdsa(.sha1, encoding: .der),
    ]
    for scheme in schemes where !scheme.fits(algorithm) {
      #expect(throws: CryptoError.self) { _ = try key.sign(scheme, [1]) }
      #expect(throws: CryptoError.self) {
        _ = try key.sign(prehashed: [UInt8](repeating: 0, count: 32), scheme)
      }
      #expect(try !key.publicKey().verify(scheme, [1], signature: [1]))
    }
    if !algorithm.isRSA {
      #expect(throws: CryptoError.self) { _ = try key.decryptOAEP(ciphertext: [1]) }
    }
    #expect(algorithm.isRSA == SignatureScheme.rsaPSS(.sha256).fits(algorithm))
  }

  /// One error for all that is wrong with an OAEP ciphertext.
  @Test
  func oaepFailuresAreOne() throws {
    let key = try PrivateKey.generate(.rsa(bits: 2048))
    let other = try PrivateKey.generate(.rsa(bits: 2048))
    let good = try key.publicKey().encryptOAEP(label: [1], plaintext: secret([1, 2, 3]))
    let ciphertexts: [[UInt8]] = [
      [], [1], good.dropLast() + [good[255] ^ 1], Array(good.dropLast()), good + [0],
      [UInt8](repeating: 0, count: 256), [UInt8](repeating: 255, count: 256),
      try other.publicKey().encryptOAEP(label: [1], plaintext: secret([1, 2, 3])),
      try key.publicKey().encryptOAEP(label: [2], plaintext: secret([1, 2, 3])),
      try key.publicKey().encryptOAEP(hash: .sha384, label: [1], plaintext: secret([1, 2, 3])),
    ]
    for ciphertext in ciphertexts {
      #expect(throws: CryptoError.authenticationFailed) {
        _ = try key.decryptOAEP(label: [1], ciphertext: ciphertext)
      }
    }
    #expect(try key.decryptOAEP(label: [1], ciphertext: good).revealed() == [1, 2, 3])
    let tooLong = try SecretBytes(count: 191)
    #expect(throws: CryptoError.self) { _ = try key.publicKey().encryptOAEP(plaintext: tooLong) }
  }

  /// Adds a byte after the key inside the OCTET STRING that ends a PrivateKeyInfo.
  private func padInner(_ encoded: [UInt8]) -> [UInt8] {
    var outer = DERCursor(encoded[...])
    var fields = DERCursor(outer.next().contents)
    let version = fields.next().whole
    let algorithm = fields.next().whole
    let key = fields.next().contents
    return tlv(0x30, Array(version) + Array(algorithm) + tlv(4, Array(key) + [0]))
  }

  private func refused(_ words: String? = nil, _ body: () throws -> Void) {
    do {
      try body()
      Issue.record("accepted")
    } catch CryptoError.invalidKey(let found) {
      if let words { #expect(found == words) }
    } catch {
      Issue.record(error)
    }
  }
}
