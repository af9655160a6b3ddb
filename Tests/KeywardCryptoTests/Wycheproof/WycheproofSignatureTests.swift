import KeywardCrypto
import Testing

/// Wycheproof: verification of RSA-PSS, RSA PKCS #1 v1.5, ECDSA and Ed25519 signatures.
@Suite
struct WycheproofSignatureTests {
  @Test(arguments: VectorFile.names("rsa_pss_"))
  func pss(name: String) throws {
    var judge = try VectorJudge(name)
    for group in judge.file.groups {
      let hash = try #require(hashFunction(group.text("sha")))
      var rule: String?
      if hash == .sha1 { rule = "signatures with SHA-1 are not offered" }
      if hashFunction(group.text("mgfSha")) != hash { rule = "MGF1 takes the same hash" }
      if group.number("sLen") != hash.digestLength { rule = "the salt is as long as the digest" }
      if group.number("keySize") < 2048 { rule = "RSA needs 2048 bits" }
      if name.contains("_params_") { rule = "keys with the RSASSA-PSS OID are not taken" }
      let key = Result { try PublicKey(spki: group.bytes("publicKeyDer")) }
      for vector in group.cases {
        // Changed to the salt that we want, and so right for us.
        let changed = vector.text("comment") == "s_len changed to \(hash.digestLength)"
        if changed, hashFunction(group.text("mgfSha")) == hash {
          judge.judge(vector) {
            try !key.get().verify(
              .rsaPSS(hash),
              vector.bytes("msg"),
              signature: vector.bytes("sig")
            )
          }
          continue
        }
        judge.judge(vector, narrower: rule) {
          try key.get().verify(
            .rsaPSS(hash),
            vector.bytes("msg"),
            signature: vector.bytes("sig")
          )
        }
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("rsa_signature_"))
  func pkcs1(name: String) throws {
    var judge = try VectorJudge(name) { vector in
      vector.flags == ["MissingNull"]
        ? .init(accept: false, reason: "RFC 8017 §9.2: the parameters shall be NULL") : nil
    }
    for group in judge.file.groups {
      let hash = try #require(hashFunction(group.text("sha")))
      let key = Result { try PublicKey(spki: group.bytes("publicKeyDer")) }
      for vector in group.cases {
        let small = vector.flags.contains("SmallPublicKey")
        judge.judge(vector, narrower: small ? "the exponent is 65537 or more" : nil) {
          try key.get().verify(
            .rsaPKCS1(hash),
            vector.bytes("msg"),
            signature: vector.bytes("sig")
          )
        }
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("ecdsa_"))
  func ecdsa(name: String) throws {
    var judge = try VectorJudge(name)
    let bitcoin = name.contains("_bitcoin_")
    for group in judge.file.groups {
      let hash = try #require(hashFunction(group.text("sha")))
      let scheme = SignatureScheme.ecdsa(
        hash,
        encoding: name.contains("_p1363_") ? .p1363 : .der
      )
      let key = Result { try PublicKey(spki: group.bytes("publicKeyDer")) }
      for vector in group.cases {
        judge.judge(vector) {
          let valid = try key.get().verify(
            scheme,
            vector.bytes("msg"),
            signature: vector.bytes("sig")
          )
          // Bitcoin asks for the smaller of s and n − s; ECDSA does not.
          return valid && !(bitcoin && isHigh(vector.bytes("sig")))
        }
      }
    }
    judge.finish()
  }

  /// Whether s of a valid DER signature on secp256k1 is above half the order.
  private func isHigh(_ signature: [UInt8]) -> Bool {
    let s = signature.dropFirst(4 + Int(signature[3]) + 2).drop { $0 == 0 }
    guard s.count == 32 else { return false }
    let half = bytes("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0") ?? []
    return half.lexicographicallyPrecedes(s)
  }

  @Test(arguments: VectorFile.names("ed25519"))
  func ed25519(name: String) throws {
    var judge = try VectorJudge(name)
    for group in judge.file.groups {
      for vector in group.cases {
        judge.judge(vector) {
          try PublicKey(spki: group.bytes("publicKeyDer")).verify(
            .ed25519,
            vector.bytes("msg"),
            signature: vector.bytes("sig")
          )
        }
      }
    }
    judge.finish()
  }
}

/// The function that Wycheproof calls "SHA-512/224".
func hashFunction(_ name: String) -> HashFunction? {
  HashFunction(
    rawValue: name.lowercased().replacing("sha-", with: "sha").replacing("/", with: "_")
  )
}
