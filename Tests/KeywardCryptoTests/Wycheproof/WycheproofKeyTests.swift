import KeywardCrypto
import Testing

/// Wycheproof: RSA-OAEP, ECDH, X25519 and the primality of imported numbers.
@Suite
struct WycheproofKeyTests {
  @Test(arguments: VectorFile.names("rsa_oaep_"))
  func oaep(name: String) throws {
    var judge = try VectorJudge(name) { vector in
      vector.flags.contains("SmallIntegerCiphertext")
        ? .init(accept: true, reason: "unusual, but made by the rules of RFC 8017") : nil
    }
    for group in judge.file.groups {
      let hash = try #require(hashFunction(group.text("sha")))
      let mgf1 = try #require(hashFunction(group.text("mgfSha")))
      let rule = group.number("keySize") < 2048 ? "RSA needs 2048 bits" : nil
      let encoded = try secret(group.bytes("privateKeyPkcs8"))
      let key = rule == nil ? try PrivateKey(pkcs8: encoded) : nil
      if rule != nil {
        #expect(throws: CryptoError.self) { _ = try PrivateKey(pkcs8: encoded) }
      }
      for vector in group.cases {
        judge.judge(vector, narrower: rule) {
          guard let key else { return false }
          let opened = try key.decryptOAEP(
            hash: hash,
            mgf1: mgf1,
            label: vector.bytes("label"),
            ciphertext: vector.bytes("ct")
          )
          return opened.revealed() == vector.bytes("msg")
        }
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("ecdh_"))
  func ecdh(name: String) throws {
    var judge = try VectorJudge(name) { vector in
      let flags = vector.flags
      if flags.contains("CompressedPoint") {
        return .init(accept: false, reason: "one spelling of a key: uncompressed")
      }
      if flags.contains("UnnamedCurve") {
        return .init(accept: false, reason: "explicit parameters can hide a weak generator")
      }
      if flags == ["InvalidAsn"] {
        return .init(accept: false, reason: "only canonical DER")
      }
      return nil
    }
    for group in judge.file.groups {
      let curve = try #require(ECPrivateKeyDER(curve: group.text("curve")))
      for vector in group.cases {
        judge.judge(vector) {
          let encoded = try secret(curve.pkcs8(vector.bytes(padding: "private")))
          let key = try PrivateKey(pkcs8: encoded, expecting: curve.algorithm)
          let peer = try PublicKey(spki: vector.bytes("public"))
          return try key.agree(with: peer).revealed() == vector.bytes("shared")
        }
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("x25519"))
  func x25519(name: String) throws {
    var judge = try VectorJudge(name) { vector in
      vector.flags.contains("ZeroSharedSecret")
        ? .init(accept: false, reason: "RFC 7748 §6.1: a secret of zeros tells nothing apart")
        : .init(accept: true, reason: "RFC 7748 §5: reduced, and twist points are harmless")
    }
    for group in judge.file.groups {
      for vector in group.cases {
        judge.judge(vector) {
          let key = try PrivateKey(raw: secret(vector.bytes("private")), .x25519)
          let peer = try PublicKey(raw: vector.bytes("public"), .x25519)
          return try key.agree(with: peer).revealed() == vector.bytes("shared")
        }
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("primality"))
  func primality(name: String) throws {
    var judge = try VectorJudge(name) { vector in
      vector.flags == ["NegativeOfPrime"]
        ? .init(accept: false, reason: "a factor of an RSA modulus is positive") : nil
    }
    for group in judge.file.groups {
      for vector in group.cases {
        judge.judge(vector) {
          let value = vector.bytes(padding: "value")
          // Two's complement, as in DER, which does not parse a negative factor.
          guard let first = value.first, first < 0x80 else { return false }
          return RSAKeyCheck.isPrime(value)
        }
      }
    }
    judge.finish()
  }
}

extension VectorFile.Case {
  /// A number in hex that may have an odd number of digits.
  func bytes(padding name: String) -> [UInt8] {
    let digits = text(name)
    return KeywardCryptoTests.bytes(digits.utf8.count % 2 == 0 ? digits : "0" + digits) ?? []
  }
}
