import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// A short run of the fuzz targets: valid inputs with random changes.
///
/// The long runs are the fuzzer's; here the targets only have to return.
@Suite
struct AuthnFuzzTargetsTests {
  private var random = SeededRandom(seed: 33)

  /// `seed` with one to four random changes: a bit, a byte, a cut, a doubled or inserted piece.
  private mutating func changed(_ seed: [UInt8]) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = bytes.isEmpty ? 0 : Int.random(in: bytes.indices, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1 where !bytes.isEmpty: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
      case 2: bytes.removeSubrange(place...)
      case 3: bytes.insert(contentsOf: bytes.suffix(8), at: place)
      case 4: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
      default: bytes.append(0xff)
      }
    }
    return bytes
  }

  @Test
  mutating func tokensReturn() throws {
    for genuine in GenuineToken.all {
      let payload = Array(try json(genuine.allClaims).utf8)
      let token = Array("e30.\(Base64.encodeURL(payload)).AAAA".utf8)
      AuthnFuzzTargets.token(payload)
      AuthnFuzzTargets.token(token)
      for _ in 0..<300 {
        AuthnFuzzTargets.token(changed(payload))
        AuthnFuzzTargets.token(changed(token))
      }
    }
  }

  @Test
  mutating func keySetsAndCertificatesReturn() throws {
    let forge = try CertificateForge()
    let key = try forge.oracle.ask(["op": "jwk", "key": "leaf", "fields": ["kid": "a"]])
    let set = Array(keySet([key]).utf8)
    let leaf = try forge.make("leaf", CertificateForge.client())
    let root = try #require(forge.made["ca"])
    let list = try der(
      forge.oracle.ask([
        "op": "crl", "issuer": "ca", "revoked": ["leaf"], "from": nowSeconds, "to": nowSeconds + 9,
      ])
    )
    AuthnFuzzTargets.keySet(set)
    for seed in [leaf, root, list] { AuthnFuzzTargets.certificate(seed) }
    for _ in 0..<500 {
      AuthnFuzzTargets.keySet(changed(set))
      for seed in [leaf, root, list] { AuthnFuzzTargets.certificate(changed(seed)) }
    }
  }

  @Test
  mutating func recordsReturn() throws {
    let role = try MachineRoleRecord(
      MachineRoleDocument(name: "r", networks: ["10.0.0.0/8"]),
      roleID: #require(RoleID(random: [UInt8](repeating: 0, count: 16)))
    )
    var issuer = GenuineToken.oidc.document(name: "i", keySet: "", claims: ["groups"])
    (issuer.keySet, issuer.discovery) = (nil, true)
    let seeds = [
      role.encoded, try IssuerRecord(issuer).encoded, try TokenRecordTests.token().encoded,
    ]
    for seed in seeds {
      AuthnFuzzTargets.record(seed)
      for _ in 0..<500 { AuthnFuzzTargets.record(changed(seed)) }
    }
  }
}
