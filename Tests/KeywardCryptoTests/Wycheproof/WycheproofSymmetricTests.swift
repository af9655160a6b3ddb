import KeywardCrypto
import Testing

/// Wycheproof: AEADs, key wrap, MACs and derivation.
@Suite
struct WycheproofSymmetricTests {
  @Test(arguments: VectorFile.names("aes_gcm") + VectorFile.names("chacha20_poly1305"))
  func aead(name: String) throws {
    var judge = try VectorJudge(name)
    for group in judge.file.groups {
      let algorithm: AEAD.Algorithm? =
        switch (name.hasPrefix("aes"), group.number("keySize")) {
        case (true, 128): .aes128GCM
        case (true, 256): .aes256GCM
        case (false, 256): .chacha20Poly1305
        default: nil
        }
      var rule = algorithm == nil ? "AES-192 is not offered" : nil
      if group.number("ivSize") != 96 { rule = "nonces have 12 bytes" }
      for vector in group.cases {
        judge.judge(vector, narrower: rule) {
          let key = try secret(vector.bytes("key"))
          let nonce = vector.bytes("iv")
          let sealed = vector.bytes("ct") + vector.bytes("tag")
          let algorithm = algorithm ?? .aes256GCM
          let opened = try AEAD.open(
            algorithm,
            key: key,
            nonce: nonce,
            aad: vector.bytes("aad"),
            ciphertext: sealed
          )
          let again = try AEAD.seal(
            algorithm,
            key: key,
            nonce: nonce,
            aad: vector.bytes("aad"),
            plaintext: opened
          )
          return opened.revealed() == vector.bytes("msg") && again == sealed
        }
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("aes_wrap") + VectorFile.names("aes_kwp"))
  func keyWrap(name: String) throws {
    let padded = name.hasPrefix("aes_kwp")
    var judge = try VectorJudge(name) { vector in
      vector.flags == ["ShortKey"]
        ? .init(accept: false, reason: "RFC 3394 wants two blocks; use KWP for 8 bytes") : nil
    }
    for group in judge.file.groups {
      for vector in group.cases {
        judge.judge(vector) {
          let kek = try secret(vector.bytes("key"))
          let wrapped = vector.bytes("ct")
          let key =
            padded
            ? try KeyWrap.unwrapPadded(kek: kek, wrapped) : try KeyWrap.unwrap(kek: kek, wrapped)
          let again =
            padded ? try KeyWrap.wrapPadded(kek: kek, key) : try KeyWrap.wrap(kek: kek, key)
          return key.revealed() == vector.bytes("msg") && again == wrapped
        }
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("hmac_"))
  func hmac(name: String) throws {
    let function = try hashFunction(in: name)
    var judge = try VectorJudge(name)
    for group in judge.file.groups {
      let length = group.number("tagSize") / 8
      for vector in group.cases {
        let key = try secret(vector.bytes("key"))
        let message = vector.bytes("msg")
        let tag = vector.bytes("tag")
        judge.judge(vector) {
          try Array(HMAC.authenticate(function, key: key, message).prefix(length)) == tag
        }
        // Truncated tags are computed by the caller, and never verified.
        let verified = try HMAC.verify(function, key: key, message, tag: tag)
        let whole = length == function.digestLength && vector.result == "valid"
        #expect(verified == whole, "\(name) \(vector.id)")
      }
    }
    judge.finish()
  }

  @Test(arguments: VectorFile.names("hkdf_"))
  func hkdf(name: String) throws {
    let function = try hashFunction(in: name)
    let rule = function == .sha1 ? "HKDF with SHA-1 is not offered" : nil
    var judge = try VectorJudge(name)
    for group in judge.file.groups {
      for vector in group.cases {
        judge.judge(vector, narrower: rule) {
          let key = try secret(vector.bytes("ikm"))
          let derived = try HKDF.derive(
            function,
            key: key,
            salt: vector.bytes("salt"),
            info: vector.bytes("info"),
            count: vector.number("size")
          )
          return derived.revealed() == vector.bytes("okm")
        }
      }
    }
    judge.finish()
  }

  private func hashFunction(in name: String) throws -> HashFunction {
    let middle = name.split(separator: "_").dropFirst().first
    return try #require(middle.flatMap { HashFunction(rawValue: String($0)) })
  }
}
