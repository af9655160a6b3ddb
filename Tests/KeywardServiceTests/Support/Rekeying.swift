import KeywardModel
import KeywardService
import KeywardTesting

extension TestServer {
  /// The shares that a rekey makes: `shares` of them, of which `threshold` open; `proof` are lines that
  /// open the present seal, `passphrase` is that of a new one.
  func rekey(
    as caller: Caller = .officer,
    _ seal: KeywardModel.SealKind,
    _ shares: Int,
    _ threshold: Int,
    proof: [String],
    passphrase: String
  ) async throws -> [String] {
    try await service.rekey(
      caller,
      SealRequest(seal: seal, shares: shares, threshold: threshold),
      current: .of(proof.joined(separator: "\n")),
      passphrase: .of(seal == .passphrase ? passphrase : "")
    ).map(\.text)
  }

  /// Shows that the new shares are in good hands, which puts them in the place of the old.
  func confirmRekey(_ shares: [String]) async throws {
    _ = try await service.confirmRekey(.officer, shares: .of(shares.joined(separator: "\n")))
  }
}
