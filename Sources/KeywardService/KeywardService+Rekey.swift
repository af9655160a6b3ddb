import KeywardAudit
package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging
import Synchronization

/// Other seals for the same root key, and new keyring terms (docs/key-hierarchy.md).
extension KeywardService {
  /// Makes another seal beside the present one; the root key stays.
  ///
  /// `current` proves the present seal: a threshold of its shares or recovery shares, or its
  /// passphrase. Whoever may rekey without that could take the store elsewhere. The present seal
  /// goes only when `confirmRekey` shows that the new shares arrived: an answer that gets lost loses
  /// nothing.
  ///
  /// Every rekey makes shares, and a quorum of shares lifts an approval rule on `policy:apply`. Whoever
  /// proves the seal with less than a quorum needs the approvals of `policy:apply` for that.
  package func rekey(
    _ caller: Caller,
    _ request: SealRequest,
    current: SecretBox,
    passphrase: SecretBox
  ) async throws(ServiceError) -> [SecretBox] {
    // Before the transaction: a read of the store inside it would wait for itself.
    let old = try await onWritingThread { () throws(ServiceError) in try self.sealRecords() }
    let reached: (operation: ServiceOperation, resource: Resource)? =
      current.bytes.looksLikeShares ? nil : (.policyApply, .policy)
    let prepared = await prepared(caller, .operatorRekey, .system, reaching: reached) {
      () throws(ServiceError) in
      let state = try self.unsealed()
      let rootKey = try state.rootKey()
      try self.prove(current, by: old.map(\.record), rootKey)
      return try self.makeSeals(
        request,
        store: state.store,
        rootKey: rootKey,
        passphrase: passphrase
      )
    }
    return try await awaiting { reply in
      self.change(caller, .operatorRekey, .system, reaching: reached, reply: reply) {
        _,
        _,
        transaction,
        record throws(ServiceError) in
        record.details = [
          .seal(request.seal.audit),
          .quorum(threshold: UInt64(request.threshold), total: UInt64(request.shares)),
        ]
        let made = try prepared.get()
        guard self.session.withLock({ $0.state.seals }) == old.map(\.record) else {
          throw ServiceError(.conflict, "Another rekey came in between.", remedy: "Try again.")
        }
        guard Set(old.map { SealGeneration(slot: $0.slot) }).count <= 2 else {
          throw ServiceError(
            .conflict,
            "Two rekeys wait for their confirmation.",
            remedy: "Confirm one with its shares: keyward operator rekey --confirm."
          )
        }
        let generation = SealGeneration(after: old.map(\.slot))
        try self.store {
          for (index, seal) in made.records.enumerated() {
            try transaction.putSeal(
              StoredSeal(slot: generation.slot(index), record: seal.encoded)
            )
          }
        }
        let seals = old.map(\.record) + made.records
        return Change(made.shares) {
          self.session.withLock { _ = $0.state.sealsReplaced(seals) }
        }
      }
    }
  }

  /// Shows a threshold of new shares, by which every seal of another rekey goes.
  package func confirmRekey(
    _ caller: Caller,
    shares: SecretBox
  ) async throws(ServiceError) -> SealStatus {
    let old = try await onWritingThread { () throws(ServiceError) in try self.sealRecords() }
    _ = try await awaiting { (reply: @escaping @Sendable (Result<Bool, ServiceError>) -> Void) in
      self.change(caller, .operatorRekey, .system, reply: reply) {
        _,
        state,
        transaction,
        _ throws(ServiceError) in
        guard self.session.withLock({ $0.state.seals }) == old.map(\.record) else {
          throw ServiceError(.conflict, "Another rekey came in between.", remedy: "Try again.")
        }
        let proved = try self.prove(shares, by: old.map(\.record), try state.rootKey()).seal
        guard let slot = old.first(where: { $0.record == proved })?.slot else {
          throw ServiceError(.internalError, "The seal has no place in the store.")
        }
        let (kept, gone) = old.partitioned { SealGeneration(slot: $0.slot).holds(slot) }
        try self.store {
          for seal in gone { try transaction.removeSeal(slot: seal.slot) }
        }
        let change = Change(true) {
          self.session.withLock { _ = $0.state.sealsReplaced(kept.map(\.record)) }
        }
        return try self.scrubbing(gone.map(\.record.wrappedRootKey), transaction, change)
      }
    }
    return sealStatus()
  }

  /// Makes a new keyring term; what older terms wrap is wrapped again in the background.
  package func rotateKeyring(_ caller: Caller) async throws(ServiceError) -> KeyringRotation {
    try await awaiting { reply in
      self.change(caller, .operatorRotate, .system, reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        do {
          let keyring = try state.keyring().rotated(at: record.time)
          let term = try keyring.wrappedTerm(keyring.currentTerm, by: try state.rootKey())
          record.details = [.term(UInt64(term.number))]
          try self.store { try transaction.insertTerm(term) }
          let pending =
            state.directory.all().count { key in
              key.versions.contains { !$0.material.isEmpty }
            } + state.secrets.count
          return Change(
            KeyringRotation(keyringTerm: UInt64(term.number), rewrapPending: pending)
          ) {
            state.replaceKeyring(keyring)
          }
        } catch let error as KeyringError {
          throw ServiceError(error)
        } catch let error as ServiceError {
          throw error
        } catch {
          throw ServiceError(.internalError, "The keyring could not be rotated.")
        }
      }
    }
  }

  /// What an entry says of the shares of which `input` has a threshold; a passphrase is none.
  ///
  /// Shares of a rekey that is not confirmed are none either: until then nobody but who made them need
  /// know of them.
  func proveQuorum(
    _ input: SecretBox,
    by seals: [(slot: Int64, record: SealRecord)],
    _ rootKey: RootKey
  ) throws(ServiceError) -> [AuditDetail] {
    guard input.bytes.trimmedLength > 0, input.bytes.looksLikeShares else {
      throw ServiceError(
        .wrongShare,
        "This takes a threshold of the seal's shares or recovery shares.",
        remedy: "Give them in one request, one a line."
      )
    }
    let proof = try prove(input, by: seals.map(\.record), rootKey)
    let confirmed = seals.map { SealGeneration(slot: $0.slot) }.min()
    guard let set = proof.seal.kind.shareSet,
      let slot = seals.first(where: { $0.record == proof.seal })?.slot
    else {
      throw ServiceError(.internalError, "The seal has no place in the store.")
    }
    guard SealGeneration(slot: slot) == confirmed else {
      throw ServiceError(
        .conflict,
        "These are the shares of a rekey that is not confirmed.",
        remedy: "Give those of the seal before it, or confirm it first: "
          + "keyward operator rekey --confirm."
      )
    }
    return [
      .quorum(threshold: UInt64(set.threshold), total: UInt64(set.count)),
      .shares(set: AuditWord(set.id.description), indices: AuditIndices(proof.shares)),
    ]
  }

  /// A seal that was opened to the root key in memory, and the shares that opened it, by their indices.
  private struct Proof {
    let seal: SealRecord
    var shares: [UInt64] = []
  }

  /// Proves that `input` opens a seal to the root key in memory; throws what is wrong with it.
  @discardableResult
  private func prove(
    _ input: SecretBox,
    by seals: [SealRecord],
    _ rootKey: RootKey
  ) throws(ServiceError) -> Proof {
    let length = input.bytes.trimmedLength
    guard length > 0 else {
      throw ServiceError(
        .wrongShare,
        "A rekey asks for a proof of the present seal.",
        remedy: "Give a threshold of its shares or recovery shares, one a line, or its passphrase."
      )
    }
    do {
      if !input.bytes.looksLikeShares {
        return try provePassphrase(
          try SecretBytes(copying: input.bytes, range: 0..<length),
          by: seals,
          rootKey
        )
      }
      return try proveShares(input, by: seals, rootKey)
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch {
      throw ServiceError(store: error)
    }
  }

  private func provePassphrase(
    _ passphrase: consuming SecretBytes,
    by seals: [SealRecord],
    _ rootKey: RootKey
  ) throws -> Proof {
    let secret = SealSecret.passphrase(passphrase)
    for seal in seals where seal.isPassphrase {
      if let opened = try? seal.open(with: secret), opened.isSame(as: rootKey) {
        return Proof(seal: seal)
      }
    }
    throw ServiceError(.wrongPassphrase, "The passphrase is not the one of the present seal.")
  }

  private func proveShares(
    _ input: SecretBox,
    by seals: [SealRecord],
    _ rootKey: RootKey
  ) throws -> Proof {
    var progress: [ShareSetID: (UnsealProgress, Proof)] = [:]
    for seal in seals {
      if let set = seal.kind.shareSet, let start = UnsealProgress(seal) {
        progress[set.id] = (start, Proof(seal: seal))
      }
    }
    for line in try input.bytes.lines() {
      let share = try ShareText.parse(line.bytes)
      guard var (current, proof) = progress[share.set.id] else {
        throw KeyringError.foreignShare(
          index: Int(share.index),
          setID: share.set.id.description,
          expected: progress.keys.map(\.description).sorted().joined(separator: " or ")
        )
      }
      let outcome = current.shareOffered(share)
      proof.shares.append(UInt64(share.index))
      progress[share.set.id] = (current, proof)
      switch outcome {
      case .collected: continue
      case .opened(let opened):
        guard opened.isSame(as: rootKey) else {
          throw KeyringError.sharesNotGenuine(indices: [Int(share.index)])
        }
        return proof
      case .refused(let error): throw error
      }
    }
    throw ServiceError(
      .wrongShare,
      "These are fewer shares than the threshold of their set.",
      remedy: "Give them in one request, one a line."
    )
  }
}

/// The seals that one init or rekey made: they stand in slots of their own.
private struct SealGeneration: Hashable, Comparable {
  private static let width: Int64 = 16
  private let number: Int64

  init(slot: Int64) {
    number = slot / SealGeneration.width
  }

  /// The generation after all of these.
  init(after slots: [Int64]) {
    number = (slots.max() ?? -SealGeneration.width) / SealGeneration.width + 1
  }

  func slot(_ index: Int) -> Int64 { number * SealGeneration.width + Int64(index) }

  func holds(_ slot: Int64) -> Bool { SealGeneration(slot: slot) == self }

  static func < (one: SealGeneration, other: SealGeneration) -> Bool { one.number < other.number }
}

extension SealRecord {
  /// Whether a passphrase opens it.
  var isPassphrase: Bool {
    if case .passphrase = kind { true } else { false }
  }
}

extension Array {
  /// The elements that fulfil the condition, and the others.
  fileprivate func partitioned(
    _ condition: (Element) -> Bool
  ) -> (fulfilling: [Element], others: [Element]) {
    (filter(condition), filter { !condition($0) })
  }
}
