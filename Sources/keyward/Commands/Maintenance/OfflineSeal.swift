import ArgumentParser
import KeywardCrypto
import KeywardKeyring
import KeywardStore

/// What opens a store without its server, for `fsck --data-dir` and `backup restore`.
struct OfflineSeal: ParsableArguments {
  @Option(help: "Read shares from this file, or - (may be given several times).")
  var shareFile: [String] = []
  @Option(help: "Read the passphrase from this file, or -.")
  var passphraseFile: String?
  @Option(help: "The key file of the seal, or the content of its credential.")
  var keyFile: String?

  func validate() throws {
    let given = [!shareFile.isEmpty, passphraseFile != nil, keyFile != nil]
    guard given.count(where: { $0 }) <= 1 else {
      throw ValidationError("Give one of --share-file, --passphrase-file and --key-file.")
    }
  }

  /// Whether the caller gave anything to open the store with.
  var isGiven: Bool { !shareFile.isEmpty || passphraseFile != nil || keyFile != nil }

  /// Opens one of the seals with what was given, or asks for shares or the passphrase.
  func open(_ stored: [StoredSeal]) throws -> RootKey {
    let seals = try stored.map { try SealRecord(decoding: $0.record) }
    if let keyFile {
      let content = try SecretInput.secret(keyFile)
      return try open(seals, SealSecret.fileContent(content.bytes.clone())) { $0.isAutomatic }
    }
    if let passphraseFile {
      let line = try SecretInput.passphrase(passphraseFile, prompt: "", confirming: false)
      return try openPassphrase(seals, line)
    }
    if !shareFile.isEmpty {
      let lines = try shareFile.flatMap { try SecretInput.split(try SecretInput.secret($0)) }
      return try openShares(seals, lines.makeIterator()) { nil }
    }
    return try ask(seals)
  }

  private func ask(_ seals: [SealRecord]) throws -> RootKey {
    if let set = seals.lazy.compactMap(\.kind.shareSet).first {
      return try openShares(seals, [].makeIterator()) {
        try Prompt.secret("Share (any \(set.threshold)): ")
      }
    }
    if seals.contains(where: Self.isPassphrase) {
      return try openPassphrase(seals, try Prompt.secret("Passphrase: "))
    }
    throw CommandFailure(
      .usage,
      "The seal opens with a key file.",
      remedy: "Give it by --key-file."
    )
  }

  private func openPassphrase(_ seals: [SealRecord], _ line: SecretBox) throws -> RootKey {
    let secret = SealSecret.passphrase(try line.bytes.clone())
    return try open(seals, secret) { if case .passphrase = $0 { true } else { false } }
  }

  private static func isPassphrase(_ record: SealRecord) -> Bool {
    if case .passphrase = record.kind { true } else { false }
  }

  private func open(
    _ seals: [SealRecord],
    _ secret: consuming SealSecret,
    where fits: (KeywardKeyring.SealKind) -> Bool
  ) throws -> RootKey {
    guard let record = seals.first(where: { fits($0.kind) }) else {
      throw CommandFailure(
        .usage,
        "The store has no such seal.",
        remedy: "It has: \(seals.map(\.kind.secretWords).joined(separator: ", "))."
      )
    }
    return try record.open(with: secret)
  }

  /// Feeds shares to the seal of their set until it opens.
  private func openShares(
    _ seals: [SealRecord],
    _ given: IndexingIterator<[SecretBox]>,
    then more: () throws -> SecretBox?
  ) throws -> RootKey {
    var given = given
    var progress = seals.compactMap { UnsealProgress($0) }
    guard !progress.isEmpty else {
      throw CommandFailure(.usage, "The store has no seal of shares.")
    }
    while let line = try given.next() ?? more() {
      let share = try ShareText.parse(line.bytes)
      let index = progress.firstIndex { $0.status.set.id == share.set.id } ?? 0
      switch progress[index].shareOffered(share) {
      case .opened(let rootKey): return rootKey
      case .collected: continue
      case .refused(let error): throw error
      }
    }
    let status = progress[0].status
    throw CommandFailure(
      .failed,
      "\(status.held) shares were given, and \(status.set.threshold) are needed."
    )
  }
}
