import KeywardCrypto
package import KeywardModel

/// One way to the root key: public parameters, and the root key wrapped under the seal's KEK.
///
/// A store has one or more; each alone unseals. All parameters are associated data of the wrapped
/// key, so that none can be edited. The check value tells a wrong secret from an altered record
/// without using a wrong key for anything. Encoding: `SealRecord+Coding.swift`.
package struct SealRecord: Hashable, Sendable {
  /// The length of the salt, in bytes.
  package static let saltLength = 32

  package let store: StoreID
  package let kind: SealKind
  /// The salt of HKDF, and of scrypt for a passphrase.
  package let salt: [UInt8]
  /// The check value of the KEK, 8 bytes.
  package let checkValue: [UInt8]
  /// The check of each share in the order of their indices; empty for seals without shares.
  package let shareChecks: [[UInt8]]
  /// The root key in an envelope under the KEK, 93 bytes.
  package let wrappedRootKey: [UInt8]

  init(
    store: StoreID,
    kind: SealKind,
    salt: [UInt8],
    checkValue: [UInt8],
    shareChecks: [[UInt8]],
    wrappedRootKey: [UInt8]
  ) {
    self.store = store
    self.kind = kind
    self.salt = salt
    self.checkValue = checkValue
    self.shareChecks = shareChecks
    self.wrappedRootKey = wrappedRootKey
  }

  // MARK: - Making

  /// Seals `rootKey` with a key file, a passphrase or a systemd credential.
  ///
  /// - Throws: `keyFileRefused` or `passphraseRefused` with the rule that the secret breaks,
  ///   `wrongSecretKind` for a kind that opens by shares (see `createShared`).
  package static func create(
    _ kind: SealKind,
    store: StoreID,
    secret: borrowing SealSecret,
    rootKey: RootKey
  ) throws(KeyringError) -> SealRecord {
    guard kind.shareSet == nil else { throw .wrongSecretKind(seal: kind.secretWords) }
    if case .systemdCredential(let name) = kind, !isCredentialName(name) {
      throw .invalidSealParameter("\"\(name.prefix(64))\" is not the name of a credential")
    }
    try secret.checkForNewSeal()
    return try make(kind, store: store, secret: secret, shareChecks: [], rootKey: rootKey)
  }

  /// Seals `rootKey` with a new set of shares, and returns them: they are nowhere else.
  ///
  /// - Parameters:
  ///   - purpose: Shares to unseal with, or recovery shares beside an automatic seal.
  ///   - threshold: How many shares unseal.
  ///   - count: How many shares to make.
  ///   - store: The store of the root key.
  ///   - rootKey: What to seal.
  /// - Returns: The record to store and the shares to hand out.
  /// - Throws: `invalidThreshold`, `crypto`.
  package static func createShared(
    _ purpose: SharePurpose,
    threshold: Int,
    count: Int,
    store: StoreID,
    rootKey: RootKey
  ) throws(KeyringError) -> SharedSeal {
    let set = try ShareSet.random(threshold: threshold, count: count)
    let secret: SecretBytes
    do { secret = try SecretBytes.random(count: ShareSet.secretLength) } catch {
      throw .crypto(error)
    }
    let shares = try set.split(secret)
    var checks: [[UInt8]] = []
    for share in shares { checks.append(try share.check()) }
    let record = try make(
      purpose == .unseal ? .shamir(set) : .recovery(set),
      store: store,
      secret: .combinedShares(secret),
      shareChecks: checks,
      rootKey: rootKey
    )
    return SharedSeal(record: record, shares: shares)
  }

  // MARK: - Opening

  /// The root key.
  ///
  /// - Throws: `wrongSecretKind`, `sealSecretMismatch` for a secret that is not this seal's,
  ///   `sealRecordAltered` if the secret is right but the record is not as it was made.
  package func open(with secret: borrowing SealSecret) throws(KeyringError) -> RootKey {
    let key = try secret.keyEncryptionKey(kind, store: store, salt: salt)
    guard constantTimeEquals(try SealRecord.checkValue(of: key), checkValue) else {
      throw .sealSecretMismatch(seal: kind.secretWords)
    }
    do {
      return try RootKey(
        try Envelope.open(
          expecting: .aes256,
          key: key,
          aad: .seal(parameters: parameters),
          wrappedRootKey
        )
      )
    } catch .decryptionFailed {
      throw .sealRecordAltered
    }
  }

  /// Whether `share` was issued with this seal, in constant time for the secret part.
  func recognizes(_ share: Share) throws(KeyringError) -> Bool {
    let index = Int(share.index) - 1
    guard share.set == kind.shareSet, shareChecks.indices.contains(index) else { return false }
    return constantTimeEquals(try share.check(), shareChecks[index])
  }

  /// All that the seal states in public: the associated data of the root key.
  var parameters: [UInt8] {
    var record = RecordWriter("keyward/v1/seal-parameters")
    writeParameters(to: &record)
    return record.bytes
  }

  private static func make(
    _ kind: SealKind,
    store: StoreID,
    secret: borrowing SealSecret,
    shareChecks: [[UInt8]],
    rootKey: RootKey
  ) throws(KeyringError) -> SealRecord {
    let salt = try crypto { () throws(CryptoError) in try RandomSource.bytes(saltLength) }
    let key = try secret.keyEncryptionKey(kind, store: store, salt: salt)
    let draft = SealRecord(
      store: store,
      kind: kind,
      salt: salt,
      checkValue: try checkValue(of: key),
      shareChecks: shareChecks,
      wrappedRootKey: []
    )
    let wrapped = try Envelope.seal(
      .aes256,
      key: key,
      version: 1,
      aad: .seal(parameters: draft.parameters),
      plaintext: rootKey.box.bytes
    )
    return SealRecord(
      store: store,
      kind: kind,
      salt: salt,
      checkValue: draft.checkValue,
      shareChecks: shareChecks,
      wrappedRootKey: wrapped
    )
  }

  private static func checkValue(of key: borrowing SecretBytes) throws(KeyringError) -> [UInt8] {
    try KeyCheckValue.secret(key, length: 8).bytes
  }

  /// Whether `name` is a credential name as systemd takes it: a file name of 1 to 64 characters.
  static func isCredentialName(_ name: String) -> Bool {
    let allowed: (UInt8) -> Bool = { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
    return (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(allowed)
      && name != "." && name != ".."
  }
}

/// What a set of shares is for.
package enum SharePurpose: Hashable, Sendable {
  /// Recovery shares beside an automatic seal.
  case recovery
  /// Shares that are the seal.
  case unseal
}

/// A new seal by shares, with the only copy of the shares.
package struct SharedSeal: Sendable {
  package let record: SealRecord
  /// In the order of their indices.
  package let shares: [Share]
}
