import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// OpenBao CVE-2026-39388: a session renewed with another valid certificate of the same role.
@Suite
struct V06Tests {
  @Test
  func aTokenHoldsUnderItsOwnCertificateAlone() throws {
    let forge = try CertificateForge()
    let first = try forge.make("first", CertificateForge.client())
    // The same name, and even the same key: another certificate.
    let again = try forge.make("again", CertificateForge.client())
    let other = try forge.make("other", CertificateForge.client("other-leaf"))
    let registry = try forge.registry()
    let all = try [first, again, other].map { chain in
      try #require(registry.verify(chainDER: [chain], now: now).verified)
    }
    #expect(all[0].principal == all[1].principal)
    #expect(all[0].principal == all[2].principal)
    for operation in 0..<2 {
      for (index, presented) in all.enumerated() {
        var token = try TokenRecordTests.token(certificate: all[0].sha256)
        var refusal: TokenRecord.Refusal?
        do {
          if operation == 0 {
            try token.use(now: now, source: nil, certificate: presented.sha256)
          } else {
            try token.renew(now: now, source: nil, certificate: presented.sha256)
          }
        } catch {
          refusal = error
        }
        #expect(refusal == (index == 0 ? nil : .certificate))
      }
      // Nor over a connection without one.
      var token = try TokenRecordTests.token(certificate: all[0].sha256)
      #expect(throws: TokenRecord.Refusal.certificate) {
        try token.use(now: now, source: nil, certificate: nil)
      }
      #expect(throws: TokenRecord.Refusal.certificate) {
        try token.use(now: now, source: nil, certificate: Array(all[0].sha256.dropLast()))
      }
      #expect(throws: TokenRecord.Refusal.certificate) {
        try token.use(now: now, source: nil, certificate: [])
      }
    }
  }

  /// A token that belongs to no certificate may be used over a connection that has one.
  @Test
  func aTokenOfNoCertificateIsFree() throws {
    var token = try TokenRecordTests.token()
    try token.use(now: now, source: nil, certificate: [UInt8](repeating: 1, count: 32))
  }

  @Test
  func theBindingIsStored() throws {
    let digest = [UInt8](repeating: 9, count: 32)
    var token = try TokenRecord(decoding: TokenRecordTests.token(certificate: digest).encoded)
    #expect(throws: TokenRecord.Refusal.certificate) {
      try token.use(now: now, source: nil, certificate: nil)
    }
    try token.use(now: now, source: nil, certificate: digest)
  }
}
