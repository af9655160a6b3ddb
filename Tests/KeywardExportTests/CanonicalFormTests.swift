import Foundation
import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// The canonical PKCS#8 form, byte for byte what Python `cryptography` writes.
@Suite
struct CanonicalFormTests {
  private static let kinds: [(name: String, type: KeyType)] = [
    ("rsa-2048", .rsa2048), ("rsa-3072", .rsa3072), ("rsa-4096", .rsa4096),
    ("ec-p256", .ecP256), ("ec-p384", .ecP384), ("ec-p521", .ecP521),
    ("ec-secp256k1", .ecSecp256k1), ("ed25519", .ed25519), ("x25519", .x25519),
  ]

  /// RSA keys take their time to make: 100 of each size in the long form only (KEYWARD_LONG=1).
  private static let rsaCount = ProcessInfo.processInfo.environment["KEYWARD_LONG"] == nil ? 2 : 100

  @Test("Keys of each kind that Python made come out as it wrote them")
  func sameBytes() throws {
    let counts = Self.kinds.map { $0.name.hasPrefix("rsa-") ? Self.rsaCount : 100 }
    let answers = try ExportOracle.run(
      zip(Self.kinds, counts).map { ["op": "make_keys", "kind": $0.name, "count": $1] }
    )
    for (index, kind) in Self.kinds.enumerated() {
      let keys = try #require(answers[index]["keys"] as? [String], "\(kind.name)")
      try #require(Set(keys).count == counts[index])
      for key in keys {
        let written = try ExportMaterial.canonical(Samples.secret(unhex(key)), kind.type)
        let isSame = hex(written.revealed()) == key
        #expect(isSame, "a key of kind \(kind.name)")
      }
    }
  }

  @Test("Keys that Keyward made are what Python writes after reading them")
  func readBack() throws {
    var jobs: [ExportOracle.Job] = []
    for (_, type) in Self.kinds {
      let material = try ExportMaterial.canonical(Samples.pair(type))
      jobs.append(["op": "pkcs8", "key": hex(material.revealed())])
    }
    for (job, answer) in zip(jobs, try ExportOracle.run(jobs)) {
      let isSame = answer["der"] as? String == job["key"] as? String
      #expect(isSame, "\(answer["error"] ?? "the bytes differ")")
    }
  }
}
