import Foundation
import KeywardAuthn
import Testing

/// Every algorithm, against tokens that PyJWT makes, with the answer of PyJWT beside.
@Suite
struct AlgorithmTests {
  static let pairs: [(String, String)] = [
    ("RS256", "rsa2048"), ("RS384", "rsa2048"), ("RS512", "rsa2048"), ("PS256", "rsa2048"),
    ("PS384", "rsa2048"), ("PS512", "rsa2048"), ("ES256", "p256"), ("ES384", "p384"),
    ("ES512", "p521"), ("EdDSA", "ed25519"),
  ]

  @Test
  func theTableIsComplete() {
    #expect(Self.pairs.map(\.0) == JWSAlgorithm.allCases.map(\.rawValue))
  }

  @Test
  func agreesWithPyJWT() throws {
    let oracle = try IdentityOracle()
    let kinds = ["rsa2048", "p256", "p384", "p521", "ed25519"]
    _ = try oracle.ask(kinds.map { ["op": "key", "name": $0, "type": $0] })
    // No key of the set names an algorithm: its type decides.
    let keys = try oracle.ask(kinds.map { ["op": "jwk", "key": $0, "fields": ["kid": $0]] })
    let genuine = GenuineToken.jenkins
    let document = genuine.document(name: "issuer", keySet: keySet(keys))
    let registry = try registry(.putIssuer(IssuerRecord(document)))
    var seed = SeededRandom(seed: 3)
    for (algorithm, key) in Self.pairs {
      let tokens = try oracle.ask(
        (0..<10).map { index in
          [
            "op": "jwt", "key": key, "alg": algorithm, "header": ["kid": key],
            "claims": genuine.allClaims.merging(["n": index]) { _, new in new },
          ]
        }
      )
      for token in tokens {
        #expect(registry.verify(jwt: token, now: now).verified != nil, "\(algorithm)")
        // A changed digit of the signature, as both see it.
        var changed = Array(token.utf8)
        let dot = try #require(changed.lastIndex(of: UInt8(ascii: ".")))
        let place = Int.random(in: dot + 1..<changed.count - 1, using: &seed)
        changed[place] = changed[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        let damaged = String(decoding: changed, as: UTF8.self)
        #expect(registry.verify(jwt: damaged, now: now).refusal == .signature, "\(algorithm)")
        let answers = try oracle.ask(
          [token, damaged].map { text in
            [
              "op": "accepts", "token": text, "key": key, "alg": algorithm,
              "audience": GenuineToken.audience, "issuer": genuine.url,
            ]
          }
        )
        #expect(answers == ["yes", "InvalidSignatureError"])
      }
      // The header says another algorithm than the key's.
      for (other, kind) in Self.pairs where kind != key {
        let header = try json(["alg": other, "kid": key])
        let token = try oracle.ask([
          "op": "raw", "key": key, "sign": algorithm, "header": header, "payload": "7b7d",
        ])
        let payload = try json(genuine.allClaims)
        let hostile = try oracle.ask([
          "op": "raw", "key": key, "sign": algorithm, "header": header,
          "payload": payload.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined(),
        ])
        #expect(registry.verify(jwt: token, now: now).refusal == .missing("iss"))
        #expect(registry.verify(jwt: hostile, now: now).refusal == .algorithm)
      }
    }
  }
}
