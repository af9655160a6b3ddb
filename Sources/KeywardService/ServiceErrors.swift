package import KeywardCrypto
package import KeywardKeyring
package import KeywardModel
package import KeywardPolicy
import KeywardStore

extension ServiceError {
  /// The server is sealed.
  package static let sealed = ServiceError(
    .sealed,
    "The server is sealed.",
    remedy: "Unseal it with: keyward operator unseal."
  )

  /// No store was made yet.
  package static let notInitialized = ServiceError(
    .notInitialized,
    "The store is not initialized.",
    remedy: "Initialize it with: keyward operator init."
  )

  /// Policy does not allow it; which rule was missing is in the audit log, not in the answer.
  package static let forbidden = ServiceError(
    .forbidden,
    "The operation is not allowed.",
    remedy: "Ask a security officer; the audit log says what was missing."
  )

  /// Policy's refusal: of the request itself, or of what it inherits.
  init(_ refusal: Refusal, _ source: ResourcePath?) {
    guard refusal.allowedBy != nil, let source else {
      self = .forbidden
      return
    }
    self.init(
      .forbidden,
      "It is inherited, and policy forbids it on '\(source)': \(refusal.decision.rule).",
      remedy: "Ask who keeps the rule, or give the environment a value of its own."
    )
  }

  /// What a request for several things cannot do: gather approvals for each.
  package static func approvalNotGathered(
    _ approvals: [ApprovalRequirement]
  ) -> ServiceError {
    let rules = approvals.map { "'\($0.rule)'" }.joined(separator: ", ")
    return ServiceError(
      .approvalRequired,
      "The value takes approval by the rule \(rules), which a fetch of several cannot carry.",
      remedy: "Read it alone, with the approval: keyward secret get NAME --approval ID."
    )
  }

  /// The one error of every failed decryption.
  package static let decryptionFailed = ServiceError(
    .decryptionFailed,
    "Decryption failed.",
    remedy: "Check that key, version and context are those of the encryption."
  )

  package static func noKey(_ name: KeyName) -> ServiceError {
    ServiceError(
      .notFound,
      "There is no key '\(name)'.",
      remedy: "List keys with: keyward key list."
    )
  }

  package static func noVersion(_ number: Int, of name: KeyName) -> ServiceError {
    ServiceError(
      .notFound,
      "The key '\(name)' has no version \(number).",
      remedy: "See its versions with: keyward key show \(name)."
    )
  }

  /// What went wrong in the crypto layer, in public words.
  package init(_ error: CryptoError) {
    switch error {
    case .authenticationFailed: self = .decryptionFailed
    case .invalidKey(let words): self.init(.invalidRequest, "The key is refused: \(words).")
    case .invalidInput(let words): self.init(.invalidRequest, "The input is refused: \(words).")
    case .outOfSecureMemory:
      self.init(
        .unavailable,
        "The locked memory for keys is used up.",
        remedy: "Raise LimitMEMLOCK of the server."
      )
    default:
      self.init(
        .internalError,
        "A cryptographic primitive failed.",
        remedy: "See the server's log."
      )
    }
  }

  /// What went wrong in the keyring, in public words.
  package init(_ error: KeyringError) {
    switch error {
    case .crypto(let inner): self.init(inner)
    case .decryptionFailed: self = .decryptionFailed
    case .sealSecretMismatch: self.init(.wrongPassphrase, error.words, remedy: error.remedy)
    case .duplicateShare, .foreignShare, .forgedShare, .malformedShare, .shareChecksumMismatch,
      .shareNotExpected, .sharesNotGenuine, .shareThresholdMismatch, .wrongSecretKind:
      self.init(.wrongShare, error.words, remedy: error.remedy)
    case .invalidSealParameter, .invalidThreshold, .keyFileRefused, .passphraseRefused,
      .unsupportedVersion:
      self.init(.invalidRequest, error.words, remedy: error.remedy)
    case .malformedRecord, .sealRecordAltered, .unknownTerm, .wrongStore:
      self.init(.tampered, error.words, remedy: error.remedy)
    }
  }

  /// What went wrong in the store, in public words.
  package init(store error: any Error) {
    guard let error = error as? StoreError else {
      self = (error as? ServiceError) ?? ServiceError(.internalError, "The store failed.")
      return
    }
    let code: ErrorCode =
      switch error {
      case .alreadyInitialized: .alreadyInitialized
      case .badBackup: .invalidRequest
      case .conflict: .conflict
      case .constraint: .alreadyExists
      case .corrupt, .notADatabase, .foreignDatabase, .newerSchema, .tampered: .tampered
      case .full: .storageFull
      case .insecureFile, .ioError, .readOnly: .auditUnavailable
      case .limit: .limitExceeded
      case .locked: .unavailable
      case .misuse: .internalError
      case .notInitialized: .notInitialized
      case .rollbackDetected: .rollbackDetected
      case .sealed: .sealed
      }
    self.init(code, Self.sentence(error.words), remedy: Self.sentence(error.remedy))
  }

  /// Makes a sentence of words that begin in lower case and have no period.
  private static func sentence(_ words: String) -> String {
    guard let first = words.first else { return words }
    return first.uppercased() + words.dropFirst() + "."
  }

  /// A key's material that was stored here and does not open: damage, not a caller's mistake.
  package static func damagedMaterial(_ name: KeyName, _ version: Int) -> ServiceError {
    ServiceError(
      .tampered,
      "The stored material of '\(name)' version \(version) does not open.",
      remedy: "Run keyward fsck, then restore from a backup."
    )
  }
}
