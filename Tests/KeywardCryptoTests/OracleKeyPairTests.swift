import KeywardCrypto
import Testing

/// Key pairs, signatures, OAEP and key agreement, both ways between Keyward and Python.
@Suite
struct OracleKeyPairTests {
  private static let hashes: [HashFunction] = [.sha224, .sha256, .sha384, .sha512, .sha512_256]

  /// Pairs that each side has made and the other has read.
  private static func pairs(
    _ algorithm: AsymmetricAlgorithm,
    _ name: String
  ) throws -> [PrivateKey] {
    let oracle = try PythonOracle()
    let ours = try PrivateKey.generate(algorithm)
    let made = try #require(try oracle.ask(["op": "generate", "algorithm": name]).out)
    let theirs = try PrivateKey(pkcs8: secret(made), expecting: algorithm)
    #expect(try theirs.pkcs8().revealed() == made)
    for key in [ours, theirs] {
      let request = ["op": "public", "private": hex(try key.pkcs8().revealed())]
      #expect(try oracle.ask(request).out == key.publicKey().spki())
    }
    return [ours, theirs]
  }

  @Test(arguments: [2048, 3072])
  func rsa(bits: Int) throws {
    for key in try Self.pairs(.rsa(bits: bits), "rsa\(bits)") {
      let encoded = hex(try key.pkcs8().revealed())
      let publicKey = try key.publicKey()
      let spki = hex(try publicKey.spki())
      try bothWays(rounds: 150) { random in
        let data = random.bytes(0...200)
        let hash = Self.hashes.randomElement(using: &random) ?? .sha256
        let fields = ["private": encoded, "public": spki, "hash": hash.rawValue]
        var checks: [OracleCheck] = []
        for (name, scheme) in [
          ("pss", SignatureScheme.rsaPSS(hash)), ("pkcs1", .rsaPKCS1(hash)),
        ] {
          var verify = fields
          verify["signature"] = hex(try key.sign(scheme, data))
          checks.append(.init("\(name)-verify", verify, data: data) { $0.isEmpty })
          let digest = try Digest.hash(hash, data)
          verify["signature"] = hex(try key.sign(prehashed: digest, scheme))
          checks.append(.init("\(name)-verify", verify, data: data) { $0.isEmpty })
          checks.append(
            .init("\(name)-sign", fields, data: data) {
              publicKey.verify(scheme, data, signature: $0)
                && publicKey.verify(prehashed: digest, scheme, signature: $0)
                && !publicKey.verify(scheme, data + [0], signature: $0)
            }
          )
        }
        return checks + (try oaep(key, fields, &random))
      }
    }
  }

  private func oaep(
    _ key: PrivateKey,
    _ keyFields: [String: String],
    _ random: inout SeededRandom
  ) throws -> [OracleCheck] {
    // The oracle has no OAEP with SHA-512/256; Wycheproof has.
    let hashes: [HashFunction] = [.sha1, .sha224, .sha256, .sha384, .sha512]
    let hash = hashes.randomElement(using: &random) ?? .sha256
    let mgf1 = hashes.randomElement(using: &random) ?? .sha256
    let label = random.bytes(0...20)
    let data = random.bytes(0...100)
    let fields = keyFields.merging(
      ["hash": hash.rawValue, "mgf1": mgf1.rawValue, "label": hex(label)]) { $1 }
    let ciphertext = try key.publicKey().encryptOAEP(
      hash: hash,
      mgf1: mgf1,
      label: label,
      plaintext: secret(data)
    )
    return [
      .init("oaep-decrypt", fields, data: ciphertext) { $0 == data },
      .init("oaep-encrypt", fields, data: data) {
        try key.decryptOAEP(hash: hash, mgf1: mgf1, label: label, ciphertext: $0).revealed()
          == data
      },
    ]
  }

  @Test(arguments: ["p256", "p384", "p521", "secp256k1"])
  func curve(name: String) throws {
    let algorithm: AsymmetricAlgorithm =
      switch name {
      case "p256": .p256
      case "p384": .p384
      case "p521": .p521
      default: .secp256k1
      }
    let pairs = try Self.pairs(algorithm, name)
    let raws = try pairs.map { try $0.rawPrivateKey().count }
    #expect(raws.allSatisfy { $0 == algorithm.fieldLength })
    try bothWays(rounds: 200) { random in
      let key = pairs.randomElement(using: &random) ?? pairs[0]
      let peer = try PrivateKey.generate(algorithm)
      let data = random.bytes(0...200)
      let hash = Self.hashes.randomElement(using: &random) ?? .sha256
      let publicKey = try key.publicKey()
      let der = random.next() % 2 == 0
      let scheme = SignatureScheme.ecdsa(hash, encoding: der ? .der : .p1363)
      let fields = [
        "private": hex(try key.pkcs8().revealed()), "public": hex(try publicKey.spki()),
        "hash": hash.rawValue, "encoding": der ? "der" : "p1363",
        "signature": hex(try key.sign(scheme, data)),
      ]
      return [
        .init("ecdsa-verify", fields, data: data) { $0.isEmpty },
        .init("ecdsa-sign", fields, data: data) {
          publicKey.verify(scheme, data, signature: $0)
            && !publicKey.verify(scheme, data + [0], signature: $0)
        },
        try agreement(key, peer),
      ]
    }
  }

  @Test
  func ed25519() throws {
    let pairs = try Self.pairs(.ed25519, "ed25519")
    try bothWays(rounds: 500) { random in
      let key = pairs.randomElement(using: &random) ?? pairs[0]
      let data = random.bytes(0...200)
      let signature = try key.sign(.ed25519, data)
      let fields = [
        "private": hex(try key.pkcs8().revealed()), "public": hex(try key.publicKey().spki()),
        "signature": hex(signature),
      ]
      return [
        .init("ed25519-verify", fields, data: data) { $0.isEmpty },
        .init("ed25519-sign", fields, data: data) { $0 == signature },
      ]
    }
  }

  @Test
  func x25519() throws {
    let pairs = try Self.pairs(.x25519, "x25519")
    try bothWays(rounds: 500) { random in
      let key = pairs.randomElement(using: &random) ?? pairs[0]
      return [try agreement(key, PrivateKey.generate(.x25519))]
    }
  }

  /// What one side makes of its pair and the peer's public half, the other makes too.
  private func agreement(_ key: PrivateKey, _ peer: PrivateKey) throws -> OracleCheck {
    let shared = try peer.agree(with: key.publicKey()).revealed()
    let fields = [
      "private": hex(try key.pkcs8().revealed()), "public": hex(try peer.publicKey().spki()),
    ]
    return .init("agree", fields) { $0 == shared }
  }
}
