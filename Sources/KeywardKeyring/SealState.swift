import KeywardCrypto

/// The life of a server's seal, without I/O or a clock.
///
/// It holds shares on their way, never a root key.
///
/// ```
/// uninitialized --storeInitialized--> sealed --shareOffered--> unsealing (k of n)
/// sealed, unsealing --the last share, or a secret that fits--> opening
/// opening --storeOpened--> unsealed      opening --storeRefused--> sealed
/// unsealed --sealRequested--> sealing --requestsDrained--> sealed
/// ```
///
/// Every pair of state and event that is not drawn leaves the state as it is, and says so.
package struct SealState: Sendable {
  /// Where the server is.
  package enum Phase: Hashable, Sendable {
    /// The root key is at hand and the store is being checked.
    case opening
    /// No key in memory; waits for a secret.
    case sealed
    /// Refuses new requests and waits for the running ones.
    case sealing
    /// No store yet.
    case uninitialized
    /// Serves.
    case unsealed
    /// Some shares are held, not enough.
    case unsealing(UnsealStatus)
  }

  /// What to do with a secret that was offered.
  package enum OnSecret: Sendable {
    /// Answer with the progress.
    case collected(UnsealStatus)
    /// Open the store with this root key, then report `storeOpened` or `storeRefused`.
    case openStore(RootKey)
    /// Answer with the error.
    case refused(KeyringError)
  }

  /// What to do about a request to seal.
  package enum OnSealRequest: Hashable, Sendable {
    /// Nothing: no key is in memory. Shares that were collected stay.
    case alreadySealed
    /// Nothing: it is under way.
    case alreadySealing
    /// Take no new requests, let the running ones end, wipe all keys, report `requestsDrained`.
    case drainThenWipe
    /// Nothing yet: try again when the store is open.
    case refusedWhileOpening
  }

  /// Where the server is.
  package private(set) var phase: Phase
  /// The seals of the store, each of which opens it.
  package private(set) var seals: [SealRecord]
  private var progress: [ShareSetID: UnsealProgress] = [:]

  /// A server that just started on a store with these seals; none means there is no store yet.
  package init(seals: [SealRecord]) {
    phase = seals.isEmpty ? .uninitialized : .sealed
    self.seals = seals
  }

  // MARK: - Events

  /// `operator init` made a store with these seals; returns whether that was possible.
  package mutating func storeInitialized(_ seals: [SealRecord]) -> Bool {
    guard phase == .uninitialized, !seals.isEmpty else { return false }
    self.seals = seals
    phase = .sealed
    return true
  }

  /// A holder gave a share, of a seal or of its recovery set.
  package mutating func shareOffered(_ share: Share) -> OnSecret {
    if let refusal = refusalOfSecret { return .refused(refusal) }
    let records = seals.filter { $0.kind.shareSet != nil }
    guard !records.isEmpty else {
      return .refused(
        .wrongSecretKind(seal: seals.map { $0.kind.secretWords }.joined(separator: " or "))
      )
    }
    guard let record = records.first(where: { $0.kind.shareSet?.id == share.set.id }),
      var current = progress[share.set.id] ?? UnsealProgress(record)
    else {
      let expected = records.compactMap { $0.kind.shareSet?.id.description }
      return .refused(
        .foreignShare(
          index: Int(share.index),
          setID: share.set.id.description,
          expected: expected.joined(separator: " or ")
        )
      )
    }
    let outcome = current.shareOffered(share)
    progress[share.set.id] = current
    switch outcome {
    case .collected(let status):
      phase = .unsealing(status)
      return .collected(status)
    case .opened(let rootKey):
      progress = [:]
      phase = .opening
      return .openStore(rootKey)
    case .refused(let error):
      // A failed combination emptied one set; another may still hold shares.
      phase = furthest.map { .unsealing($0) } ?? .sealed
      return .refused(error)
    }
  }

  /// A key file, credential or passphrase was given, for one of the seals.
  package mutating func secretOffered(
    _ secret: borrowing SealSecret,
    for record: SealRecord
  ) -> OnSecret {
    if let refusal = refusalOfSecret { return .refused(refusal) }
    guard seals.contains(record) else { return .refused(.wrongStore("The seal record")) }
    do throws(KeyringError) {
      let rootKey = try record.open(with: secret)
      progress = [:]
      phase = .opening
      return .openStore(rootKey)
    } catch {
      return .refused(error)
    }
  }

  /// The store passed all checks under the root key; returns whether this was awaited.
  package mutating func storeOpened() -> Bool {
    guard phase == .opening else { return false }
    phase = .unsealed
    return true
  }

  /// The store failed a check under the root key: rollback, tampering, a self-test.
  package mutating func storeRefused() -> Bool {
    guard phase == .opening else { return false }
    phase = .sealed
    return true
  }

  /// An authorized caller asked to seal, or a failure makes it necessary.
  package mutating func sealRequested() -> OnSealRequest {
    switch phase {
    case .uninitialized, .sealed, .unsealing: return .alreadySealed
    case .sealing: return .alreadySealing
    case .opening: return .refusedWhileOpening
    case .unsealed:
      phase = .sealing
      return .drainThenWipe
    }
  }

  /// The running requests ended and all keys are wiped; returns whether this was awaited.
  package mutating func requestsDrained() -> Bool {
    guard phase == .sealing else { return false }
    phase = .sealed
    return true
  }

  /// A rekey replaced the seals; only while unsealed, which is when it can be authorized.
  package mutating func sealsReplaced(_ seals: [SealRecord]) -> Bool {
    guard phase == .unsealed, !seals.isEmpty else { return false }
    self.seals = seals
    return true
  }

  // MARK: -

  private var refusalOfSecret: KeyringError? {
    switch phase {
    case .sealed, .unsealing: nil
    case .uninitialized: .shareNotExpected("the store is not initialized")
    case .opening: .shareNotExpected("the store is being opened")
    case .unsealed: .shareNotExpected("the store is unsealed already")
    case .sealing: .shareNotExpected("the server is sealing; try again in a moment")
    }
  }

  private var furthest: UnsealStatus? {
    progress.values.map { $0.status }.filter { $0.held > 0 }.max { $0.held < $1.held }
  }
}
