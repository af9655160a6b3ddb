import Foundation
import KeywardCrypto
import Testing

/// While a key lives its bytes are in the arena alone; after seal they are nowhere.
@Suite
struct MemoryScanTests {
  @Test
  func keysLiveInTheArenaAlone() async {
    await #expect(processExitsWith: .success) {
      try SecureMemory.activate(limit: 64 << 20)
      // The canaries, masked, so that the scanner does not find itself.
      var masked: [[UInt8]] = []
      var kept = try use(&masked)
      let arena = SecureMemory.report.ranges
      let live = try MemoryScanner.hits(masked, arena: arena)
      for hit in live where !arena.contains(where: { $0.contains(hit.address) }) {
        Issue.record("canary \(hit.canary) outside the arena, in \(hit.place)")
      }
      try #require(Set(live.map(\.canary)).count >= 26)
      try #require(!kept.isEmpty)
      kept = []
      SecureMemory.forgetKeySchedules()
      for hit in try MemoryScanner.hits(masked, arena: SecureMemory.report.ranges) {
        Issue.record("canary \(hit.canary) survives in \(hit.place)")
      }
    }
  }

  /// The scanner finds what is there.
  @Test
  func scannerSees() async {
    await #expect(processExitsWith: .success) {
      try SecureMemory.activate(limit: 64 << 20)
      let key = try SecretBytes.random(count: 32)
      let masked = [key.revealed().map { $0 ^ MemoryScanner.mask }]
      let leaked = key.revealed()
      let hits = try MemoryScanner.hits(masked, arena: SecureMemory.report.ranges)
      let arena = SecureMemory.report.ranges
      #expect(hits.contains { hit in arena.contains { $0.contains(hit.address) } })
      #expect(hits.contains { hit in !arena.contains { $0.contains(hit.address) } })
      withExtendedLifetime(leaked) {}
    }
  }
}

/// Uses keys of every kind, notes their bytes masked, and returns some that live on.
private func use(_ masked: inout [[UInt8]]) throws -> [AnyObject] {
  var kept: [AnyObject] = []
  func note(_ bytes: borrowing SecretBytes) {
    bytes.withUnsafeBytes { raw in
      // 24 bytes from the middle: the ends of DER are the same in every key.
      let middle = raw[(raw.count / 2 - 12)..<(raw.count / 2 + 12)]
      masked.append(middle.map { $0 ^ MemoryScanner.mask })
    }
  }
  for _ in 0..<20 {
    let key = try SecretBytes.random(count: 32)
    note(key)
    let sealed = try AEAD.seal(
      .aes256GCM,
      key: key,
      nonce: RandomSource.bytes(12),
      aad: [1],
      plaintext: key
    )
    try #require(sealed.count == 48)
    let message = try CommittingAEAD.seal(
      .aes256CTR,
      key: key,
      salt: CommittingAEAD.newSalt(),
      aad: [],
      plaintext: key
    )
    let wrapped = try KeyWrap.wrap(kek: key, key)
    _ = try KeyWrap.unwrap(kek: key, wrapped)
    _ = try HMAC.authenticate(.sha256, key: key, message)
    note(try HKDF.derive(.sha256, key: key, salt: [], info: [], count: 64))
    _ = try Scrypt.derive(passphrase: key, salt: [], logN: 4, r: 1, p: 1, count: 32)
    kept.append(SecretBox(key))
  }
  for algorithm in [AsymmetricAlgorithm.p256, .p384, .p521, .secp256k1, .ed25519, .x25519] {
    let key = try PrivateKey.generate(algorithm)
    note(try key.rawPrivateKey())
    let again = try PrivateKey(pkcs8: key.pkcs8())
    if algorithm != .ed25519 { note(try again.agree(with: key.publicKey())) }
    if algorithm == .ed25519 { _ = try again.sign(.ed25519, [1]) }
    if algorithm.isEllipticCurve { _ = try again.sign(.ecdsa(.sha256, encoding: .der), [1]) }
    kept.append(SecretBox(try again.rawPrivateKey()))
    kept.append(again)
  }
  let rsa = try PrivateKey.generate(.rsa(bits: 2048))
  note(try rsa.pkcs8())
  let again = try PrivateKey(pkcs8: rsa.pkcs8())
  _ = try again.sign(.rsaPSS(.sha256), [1])
  let plaintext = try SecretBytes.random(count: 64)
  note(plaintext)
  let opened = try again.decryptOAEP(
    ciphertext: rsa.publicKey().encryptOAEP(plaintext: plaintext)
  )
  try #require(opened.count == 64)
  return kept + [again]
}
