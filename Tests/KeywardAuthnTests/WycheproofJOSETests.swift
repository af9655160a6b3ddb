import Foundation
import KeywardCrypto
import Testing

@testable import KeywardAuthn

/// Wycheproof: JSON Web Signatures and JSON Web Keys.
///
/// Everything that is encrypted or authenticated with a shared secret is refused by a rule of ours.
@Suite
struct WycheproofJOSETests {
  static let folder: URL = {
    let named = ProcessInfo.processInfo.environment["KEYWARD_VECTORS"]
    let base =
      named.map { URL(fileURLWithPath: $0) }
      ?? IdentityOracle.packageRoot.deletingLastPathComponent()
      .appendingPathComponent("shared/vectors")
    return base.appendingPathComponent("wycheproof")
  }()

  /// The files there are; none, and said aloud, when the folder is absent.
  static let names: [String] = {
    let all = [
      "json_web_signature_test.json", "json_web_key_test.json", "json_web_crypto_test.json",
    ]
    let found = all.filter {
      FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
    }
    if found.isEmpty {
      print("SKIPPED: no Wycheproof vectors in \(folder.path); set KEYWARD_VECTORS")
    }
    return found
  }()

  @Test(arguments: names)
  func vectors(_ name: String) throws {
    let data = try Data(contentsOf: Self.folder.appendingPathComponent(name))
    let parsed = try JSONSerialization.jsonObject(with: data)
    let root = try #require(parsed as? [String: Any])
    let groups = try #require(root["testGroups"] as? [[String: Any]])
    var accepted = 0
    var refused = 0
    var narrower = 0
    for group in groups {
      let half = group["public"] ?? group["private"]
      let keys = try #require(half as? [String: Any])
      let whole: [String: Any] = keys["keys"] == nil ? ["keys": [keys]] : keys
      let set = try json(whole)
      let rule = Self.rule(keys, comment: group["comment"] as? String ?? "")
      let vectors = try #require(group["tests"] as? [[String: Any]])
      for vector in vectors {
        let token = vector["jws"] as? String ?? vector["jwe"] as? String ?? ""
        let isWanted = vector["result"] as? String == "valid" && rule == nil
        if vector["result"] as? String == "valid", rule != nil { narrower += 1 }
        let passes = Self.verifies(token, set)
        if passes { accepted += 1 } else { refused += 1 }
        let title = "\(vector["tcId"] ?? 0) \(vector["comment"] ?? "")"
        #expect(passes == isWanted, "\(name) \(title)")
      }
    }
    #expect(accepted + refused == root["numberOfTests"] as? Int)
    #expect(accepted > 0)
    print("\(name): \(accepted) accepted, \(refused) refused, \(narrower) by a rule of ours")
  }

  /// Why a valid vector with such keys is refused all the same.
  private static func rule(_ keys: [String: Any], comment: String) -> String? {
    let all = keys["keys"] as? [[String: Any]] ?? [keys]
    if all.contains(where: { $0["kty"] as? String == "oct" }) {
      return "a shared secret is no public key"
    }
    if all.contains(where: { $0["alg"] as? String == "ES521" }) {
      return "the algorithm of P-521 is ES512 (RFC 7518 §3.4)"
    }
    if comment.hasPrefix("rfc7520"), all.contains(where: { $0["alg"] as? String == "PS256" }) {
      return "the key says PS256 and the token PS384: the key decides"
    }
    return comment.hasPrefix("jwe") ? "encrypted tokens are not taken" : nil
  }

  private static func verifies(_ token: String, _ set: String) -> Bool {
    guard let jws = try? CompactJWS(token), let keys = try? JSONWebKeySet(Array(set.utf8)),
      let key = keys.key(jws.keyID), key.takes(jws.algorithm)
    else { return false }
    return key.publicKey.verify(jws.algorithm.scheme, jws.signed, signature: jws.signature)
  }
}
