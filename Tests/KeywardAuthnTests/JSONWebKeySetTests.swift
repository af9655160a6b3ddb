import Foundation
import KeywardAuthn
import Testing

/// JSON Web Key Sets: what is taken, passed over and refused.
@Suite
struct JSONWebKeySetTests {
  let oracle: IdentityOracle
  /// A P-256 key and an RSA key as dictionaries, to be changed.
  let curve: [String: Any]
  let rsa: [String: Any]

  init() throws {
    oracle = try IdentityOracle()
    _ = try oracle.ask([
      ["op": "key", "name": "p256", "type": "p256"],
      ["op": "key", "name": "rsa", "type": "rsa2048"],
    ])
    curve = try Self.parsed(oracle.ask(["op": "jwk", "key": "p256", "fields": ["kid": "a"]]))
    rsa = try Self.parsed(oracle.ask(["op": "jwk", "key": "rsa", "fields": ["kid": "b"]]))
  }

  private static func parsed(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func count(_ keys: [[String: Any]]) throws -> Int {
    try JSONWebKeySet(Array(json(["keys": keys]).utf8)).keys.count
  }

  private func reason(_ keys: [Any]) throws -> String? {
    try reason(ofText: json(["keys": keys]))
  }

  private func reason(ofText text: String) -> String? {
    do {
      _ = try JSONWebKeySet(Array(text.utf8))
      return nil
    } catch {
      return error.reason
    }
  }

  @Test
  func everyKindOfKeyIsTaken() throws {
    let kinds = ["p256", "p384", "p521", "ed25519", "rsa2048", "rsa3072"]
    _ = try oracle.ask(kinds.map { ["op": "key", "name": $0, "type": $0] })
    let keys = try oracle.ask(kinds.map { ["op": "jwk", "key": $0, "fields": ["kid": $0]] })
    let set = try JSONWebKeySet(Array(keySet(keys).utf8))
    #expect(set.keys.map(\.id) == kinds)
    #expect(Set(set.keys.map(\.fingerprint)).count == kinds.count)
  }

  @Test
  func otherKeysArePassedOver() throws {
    let others: [[String: Any]] = [
      ["kty": "AKP", "kid": "x"], ["kty": "EC", "kid": "x", "crv": "secp256k1"],
      ["kty": "OKP", "kid": "x", "crv": "X25519"], ["kty": "OKP", "kid": "x", "crv": "Ed448"],
      rsa.merging(["use": "enc"]) { _, new in new },
      rsa.merging(["alg": "RSA-OAEP-256"]) { _, new in new },
      rsa.merging(["key_ops": ["wrapKey"]]) { _, new in new },
    ]
    #expect(try count([curve] + others) == 1)
    #expect(try count([curve, rsa]) == 2)
    #expect(try count([curve, rsa.merging(["key_ops": ["verify"]]) { _, new in new }]) == 2)
    #expect(try reason(others) == "has no key that can verify signatures")
  }

  @Test
  func badKeysRefuseTheSet() throws {
    func changed(_ key: [String: Any], _ changes: [String: Any?]) -> [String: Any] {
      var key = key
      for (name, value) in changes { key[name] = value }
      return key
    }
    let x = try #require(curve["x"] as? String)
    let n = try #require(rsa["n"] as? String)
    let table: [([String: Any], String)] = [
      (changed(curve, ["kty": nil]), "has no 'kty'"), (changed(curve, ["kty": 1]), "has no 'kty'"),
      (changed(curve, ["d": "AQ"]), "is not a public key: it has 'd'"),
      (changed(rsa, ["p": "AQ"]), "is not a public key: it has 'p'"),
      (["kty": "oct", "kid": "s", "k": "AAAA"], "is not a public key: it has 'k'"),
      (changed(curve, ["x": nil]), "has no text 'x'"),
      (changed(curve, ["x": 1]), "has no text 'x'"),
      (changed(curve, ["crv": nil]), "has no text 'crv'"),
      (changed(curve, ["x": x + "="]), "has a 'x' that is not base64url without padding"),
      (changed(curve, ["x": ""]), "has a 'x' that is not base64url without padding"),
      (changed(curve, ["x": "AQ"]), "has a coordinate of a wrong length"),
      (changed(curve, ["crv": "P-384"]), "has a coordinate of a wrong length"),
      (changed(curve, ["y": x]), "is not taken: not a public key of this algorithm"),
      (changed(curve, ["alg": "RS256"]), "has an 'alg' that is not for keys of its type"),
      (changed(curve, ["alg": "ES384"]), "has an 'alg' that is not for keys of its type"),
      (changed(curve, ["alg": 1]), "has an 'alg' that is not text"),
      (changed(curve, ["use": 1]), "has a 'use' that is not text"),
      (changed(curve, ["key_ops": "verify"]), "has 'key_ops' that are not a list"),
      (changed(curve, ["kid": 1]), "has a 'kid' that is not 1 to 256 bytes of plain text"),
      (changed(curve, ["kid": ""]), "has a 'kid' that is not 1 to 256 bytes of plain text"),
      (changed(rsa, ["e": "Aw"]), "is not taken: the RSA exponent must be odd and 65537 or more"),
      (changed(rsa, ["e": "AQ"]), "is not taken: the RSA exponent must be odd and 65537 or more"),
      (
        changed(rsa, ["n": "AA" + n.dropFirst(2)]),
        "is not taken: RSA numbers have no leading zeros, and at most 8192 bits"
      ),
      (
        changed(rsa, ["n": String(n.prefix(172))]),
        "is not taken: RSA needs 2048 to 8192 bits"
      ),
    ]
    for (key, wanted) in table {
      // A good key beside does not save the set.
      let found = try reason([changed(curve, ["kid": "good"]), key])
      #expect(found == "has a key 'keys[1]' that \(wanted)", "\(key)")
    }
  }

  @Test
  func setsAsAWhole() throws {
    #expect(reason(ofText: "") == "is not an object at byte 0")
    #expect(reason(ofText: "[]") == "is not an object at byte 0")
    #expect(reason(ofText: "{}") == "has no list 'keys'")
    #expect(reason(ofText: "{\"keys\":{}}") == "has no list 'keys'")
    #expect(reason(ofText: "{\"keys\":[]}") == "has no key that can verify signatures")
    #expect(reason(ofText: "{\"keys\":[],\"keys\":[]}") == "has a field twice at byte 11")
    #expect(try reason([1]) == "has a member 'keys[0]' that is not an object")
    #expect(try reason([curve, curve]) == "has two keys with one 'kid'")
    var nameless = curve
    nameless["kid"] = nil
    #expect(try reason([nameless]) == nil)
    #expect(try reason([nameless, rsa]) == "has several keys, and one of them without 'kid'")
    let many = (0...JSONWebKeySet.mostKeys).map { index in ["kty": "x", "kid": "\(index)"] }
    #expect(try reason(many) == "has more than 64 keys")
    let long = "{\"keys\":[],\"pad\":\"\(String(repeating: "x", count: JSONWebKeySet.longest))\"}"
    #expect(reason(ofText: long) == "is longer than 256 KiB")
  }

  /// Damaged sets are refused and never trap.
  @Test
  func damage() throws {
    var random = SeededRandom(seed: 7)
    let text = Array(try json(["keys": [curve, rsa]]).utf8)
    for _ in 0..<3000 {
      var damaged = text
      let index = Int.random(in: 0..<damaged.count, using: &random)
      damaged[index] = UInt8.random(in: .min ... .max, using: &random)
      _ = try? JSONWebKeySet(damaged)
      _ = try? JSONWebKeySet(Array(text[..<index]))
    }
  }
}
