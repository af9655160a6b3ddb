import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Vault CVE-2025-4656, CVE-2026-5807, OpenBao CVE-2025-52894: anybody cancels an unsealing or rekey.
@Suite
struct V18Tests {
  /// Whatever is sent while shares are collected, by whomever, the progress stays.
  @Test
  func nothingCancelsAnUnsealing() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 3, threshold: 3)
    try await server.unseal([shares[0], shares[1]])
    let service = try server.service
    let attempts: [@Sendable () async throws -> Void] = [
      { try await server.unseal([shares[0]]) },
      { try await server.unseal(["kwshare1-aaaaa"]) },
      { try await server.unseal([]) },
      { try await server.unseal(["a passphrase for nothing"]) },
      { _ = try await service.unseal(.stranger, input: .of(shares[2]), accepting: []) },
      { _ = try await service.seal(.stranger) },
      { _ = try await service.seal(.officer) },
      { _ = try await server.initialize(.shamir, shares: 1, threshold: 1) },
      {
        _ = try await service.rekey(
          .officer,
          SealRequest(seal: .shamir, shares: 1, threshold: 1),
          current: .of(""),
          passphrase: .of("")
        )
      },
      { _ = try await service.confirmRekey(.officer, shares: .of(shares[2])) },
      { try await server.create("a/b") },
      { await service.tick(5) },
    ]
    for attempt in attempts {
      try? await attempt()
      #expect(service.sealStatus().sealed)
      #expect(service.sealStatus().progress == 2)
    }
    try await server.unseal([shares[2]])
    #expect(service.sealStatus().sealed == false)
  }

  /// A rekey that fails, or is never confirmed, takes nothing from the present shares.
  @Test
  func anUnfinishedRekeyTakesNothingAway() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 2, threshold: 2)
    try await server.unseal(shares)
    let request = try SealRequest(seal: .shamir, shares: 3, threshold: 2)
    await refused(.forbidden) {
      try await server.service.rekey(
        .stranger,
        request,
        current: .of(shares.joined(separator: "\n")),
        passphrase: .of("")
      )
    }
    _ = try await server.service.rekey(
      .officer,
      request,
      current: .of(shares.joined(separator: "\n")),
      passphrase: .of("")
    )
    await refused(.forbidden) {
      try await server.service.confirmRekey(.stranger, shares: .of(shares.joined(separator: "\n")))
    }
    try await server.restart()
    try await server.unseal(shares)
    #expect(try server.service.sealStatus().sealed == false)
  }
}
