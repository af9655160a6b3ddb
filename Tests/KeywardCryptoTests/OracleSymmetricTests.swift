import Foundation
import KeywardCrypto
import Testing

/// Random inputs, both ways between Keyward and Python's `cryptography`.
///
/// KEYWARD_ORACLE_ROUNDS multiplies the counts, KEYWARD_ORACLE_SEED repeats a run.
@Suite
struct OracleSymmetricTests {
  @Test(arguments: ["aes128GCM", "aes256GCM", "chacha20Poly1305"])
  func aead(name: String) throws {
    let algorithm: AEAD.Algorithm =
      switch name {
      case "aes128GCM": .aes128GCM
      case "aes256GCM": .aes256GCM
      default: .chacha20Poly1305
      }
    try bothWays(rounds: 2000) { random in
      let key = random.bytes(algorithm.keyLength)
      let nonce = random.bytes(12)
      let aad = random.bytes(0...80)
      let data = random.bytes(0...300)
      let fields = ["algorithm": name, "key": hex(key), "nonce": hex(nonce), "aad": hex(aad)]
      let sealed = try AEAD.seal(
        algorithm,
        key: secret(key),
        nonce: nonce,
        aad: aad,
        plaintext: secret(data)
      )
      return [
        .init("aead-seal", fields, data: data) { $0 == sealed },
        .init("aead-open", fields, data: sealed) { $0 == data },
        .init("aead-seal", fields, data: data) { theirs in
          try AEAD.open(algorithm, key: secret(key), nonce: nonce, aad: aad, ciphertext: theirs)
            .revealed() == data
        },
      ]
    }
  }

  @Test(arguments: CommittingAEAD.Cipher.allCases)
  func message(cipher: CommittingAEAD.Cipher) throws {
    try bothWays(rounds: 1500) { random in
      let key = random.bytes(cipher.keyLength)
      let salt = random.bytes(24)
      let aad = random.bytes(0...80)
      let data = random.bytes(0...300)
      let fields = [
        "cipher": cipher.name, "key": hex(key), "salt": hex(salt), "aad": hex(aad),
      ]
      let sealed = try CommittingAEAD.seal(
        cipher,
        key: secret(key),
        salt: salt,
        aad: aad,
        plaintext: secret(data)
      )
      return [
        .init("message-open", fields, data: sealed) { $0 == data },
        .init("message-seal", fields, data: data) { theirs in
          try CommittingAEAD.open(
            cipher,
            key: secret(key),
            salt: salt,
            aad: aad,
            ciphertext: theirs
          ).revealed() == data
        },
      ]
    }
  }

  @Test
  func keyWrap() throws {
    try bothWays(rounds: 1000) { random in
      let kek = random.bytes([16, 24, 32].randomElement(using: &random) ?? 32)
      let data = random.bytes(8 * Int.random(in: 2...20, using: &random))
      let padded = random.bytes(1...100)
      let fields = ["key": hex(kek)]
      let wrapped = try KeyWrap.wrap(kek: secret(kek), secret(data))
      let wrappedPadded = try KeyWrap.wrapPadded(kek: secret(kek), secret(padded))
      return [
        .init("kw-unwrap", fields, data: wrapped) { $0 == data },
        .init("kw-wrap", fields, data: data) {
          try KeyWrap.unwrap(kek: secret(kek), $0).revealed() == data
        },
        .init("kwp-unwrap", fields, data: wrappedPadded) { $0 == padded },
        .init("kwp-wrap", fields, data: padded) {
          try KeyWrap.unwrapPadded(kek: secret(kek), $0).revealed() == padded
        },
      ]
    }
  }

  @Test(arguments: [HashFunction.sha256, .sha384, .sha512])
  func macsAndDerivation(function: HashFunction) throws {
    try bothWays(rounds: 1000) { random in
      let key = random.bytes(0...200)
      let data = random.bytes(0...400)
      let salt = random.bytes(0...80)
      let info = random.bytes(0...80)
      let count = Int.random(in: 1...300, using: &random)
      let fields = ["hash": function.rawValue, "key": hex(key)]
      let tag = try HMAC.authenticate(function, key: secret(key), data)
      let derived = try HKDF.derive(
        function,
        key: secret(key),
        salt: salt,
        info: info,
        count: count
      ).revealed()
      var derivation: [String: Any] = fields
      derivation["salt"] = hex(salt)
      derivation["info"] = hex(info)
      derivation["count"] = count
      return [
        .init("hmac", fields, data: data) {
          try $0 == tag && HMAC.verify(function, key: secret(key), data, tag: $0)
        },
        .init("hkdf", derivation) { $0 == derived },
      ]
    }
  }

  @Test(arguments: [HashFunction.sha1, .sha224, .sha256, .sha384, .sha512])
  func digest(function: HashFunction) throws {
    try bothWays(rounds: 500) { random in
      let data = random.bytes(0...400)
      let digest = try Digest.hash(function, data)
      return [.init("digest", ["hash": function.rawValue], data: data) { $0 == digest }]
    }
  }

  @Test
  func scrypt() throws {
    try bothWays(rounds: 100) { random in
      let key = random.bytes(0...40)
      let salt = random.bytes(0...40)
      let logN = Int.random(in: 1...8, using: &random)
      let r = Int.random(in: 1...8, using: &random)
      let p = Int.random(in: 1...3, using: &random)
      // The RFC wants N below 2^(16 r).
      let derived = try Scrypt.derive(
        passphrase: secret(key),
        salt: salt,
        logN: logN,
        r: r,
        p: p,
        count: 32
      ).revealed()
      let fields: [String: Any] = [
        "key": hex(key), "salt": hex(salt), "logN": logN, "r": r, "p": p, "count": 32,
      ]
      return [.init("scrypt", fields) { $0 == derived }]
    }
  }
}

/// One question to the oracle, and what its answer must satisfy.
struct OracleCheck {
  let request: PythonOracle.Request
  let holds: ([UInt8]) throws -> Bool

  init(
    _ operation: String,
    _ fields: PythonOracle.Request,
    data: [UInt8]? = nil,
    _ holds: @escaping ([UInt8]) throws -> Bool
  ) {
    var request = fields
    request["op"] = operation
    if let data { request["data"] = hex(data) }
    self.request = request
    self.holds = holds
  }
}

/// Asks `make` for `rounds` sets of checks, puts them to the oracle in batches, and fails on the
/// first that does not hold.
func bothWays(
  rounds: Int,
  _ make: (inout SeededRandom) throws -> [OracleCheck]
) throws {
  let environment = ProcessInfo.processInfo.environment
  let factor = environment["KEYWARD_ORACLE_ROUNDS"].flatMap(Double.init) ?? 1
  let seed =
    environment["KEYWARD_ORACLE_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
  var random = SeededRandom(seed: seed)
  let oracle = try PythonOracle()
  var left = max(1, Int(Double(rounds) * factor))
  while left > 0 {
    let checks = try (0..<min(left, 100)).flatMap { _ in try make(&random) }
    left -= min(left, 100)
    for (check, answer) in zip(checks, try oracle.ask(checks.map(\.request))) {
      let out = try #require(
        answer.out,
        "seed \(seed): \(answer.error ?? "") for \(check.request)"
      )
      try #require(try check.holds(out), "seed \(seed): \(check.request)")
    }
  }
}
