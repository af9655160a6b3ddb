/// How a seal holds the root key, with its public parameters.
package enum SealKind: Hashable, Sendable {
  /// A file of at least 32 random bytes on the host.
  case keyFile
  /// A passphrase through scrypt.
  case passphrase(ScryptParameters)
  /// Shares beside an automatic seal, for the day the key file, credential or passphrase is lost.
  case recovery(ShareSet)
  /// Shares of which a threshold unseals.
  case shamir(ShareSet)
  /// A systemd credential of this name, at least 32 random bytes.
  case systemdCredential(name: String)

  /// The name in records, status and configuration.
  package var name: String {
    switch self {
    case .keyFile: "key-file"
    case .passphrase: "passphrase"
    case .recovery: "recovery"
    case .shamir: "shamir"
    case .systemdCredential: "systemd-credential"
    }
  }

  /// What an operator has to give, in words.
  package var secretWords: String {
    switch self {
    case .keyFile: "key file"
    case .passphrase: "passphrase"
    case .recovery(let set): "set of recovery shares (\(set))"
    case .shamir(let set): "set of shares (\(set))"
    case .systemdCredential(let name): "systemd credential \(name)"
    }
  }

  /// The share set of a seal that opens by shares, else nil.
  package var shareSet: ShareSet? {
    switch self {
    case .recovery(let set), .shamir(let set): set
    case .keyFile, .passphrase, .systemdCredential: nil
    }
  }

  /// Whether a server can open the seal without a person: key file and systemd credential.
  package var isAutomatic: Bool {
    switch self {
    case .keyFile, .systemdCredential: true
    case .passphrase, .recovery, .shamir: false
    }
  }
}

/// The cost of a passphrase seal (RFC 7914).
package struct ScryptParameters: Hashable, Sendable {
  /// 2^17 rounds of 1 KiB blocks: 128 MiB and about half a second.
  package static let standard = ScryptParameters(checkedLogN: 17, r: 8, p: 1)

  /// The binary logarithm of N, 10 to 20.
  package let logN: Int
  /// The block size, 1 to 32.
  package let r: Int
  /// The parallelization, 1 to 16.
  package let p: Int

  /// Refuses parameters that are out of range or take more than 512 MiB.
  ///
  /// They are read from the database before anything authenticates them, so they are bounded: an
  /// edited record must not make the server allocate without limit.
  package init(logN: Int, r: Int, p: Int) throws(KeyringError) {
    guard (10...20).contains(logN), (1...32).contains(r), (1...16).contains(p),
      (128 * r) << logN <= 512 << 20
    else { throw .invalidSealParameter("scrypt parameters out of range") }
    self.init(checkedLogN: logN, r: r, p: p)
  }

  private init(checkedLogN logN: Int, r: Int, p: Int) {
    self.logN = logN
    self.r = r
    self.p = p
  }
}
