import KeywardAuthn
package import KeywardExport
package import KeywardModel

/// One export of one key version, from its preparation to the end of the copy.
///
/// A state machine without a clock and without I/O: each method is an event, and an event that does
/// not fit the state is refused. It never holds key bytes; what the provider said for an export under
/// way is kept encrypted, and dropped as soon as it is used.
package struct ExportRecord: Hashable, Sendable {
  package enum State: String, CaseIterable, Hashable, Sendable {
    /// The wrapping key is known; nothing has left.
    case prepared
    /// The blob may have left: whether it arrived is not known yet.
    case sending
    /// The provider has taken it, or it was handed to the requester.
    case delivered
    /// The provider's key does what Keyward's does.
    case proved
    /// The provider's key does something else.
    case contradicted
    /// It did not come about; nothing of it will be tried again.
    case failed
    /// A later export stands in its place.
    case superseded
    /// Its parameters, or the copy, came to their end.
    case expired
    /// Somebody said that the copy is gone.
    case retired
  }

  package enum Mode: String, CaseIterable, Hashable, Sendable {
    case push
    case bundle
    /// A format that is no cloud's.
    case file
  }

  /// Where the wrapping key came from.
  package enum Provenance: String, CaseIterable, Hashable, Sendable {
    /// This server asked the provider for it over verified TLS, in this export.
    case fetched
    /// Its fingerprint stands in the destination.
    case pinned
    /// A caller brought it: whoever has its private half reads the key.
    case supplied
  }

  package let id: ExportID
  package let key: KeyID
  package let keyName: KeyName
  package let version: Int
  /// The name of a destination; `file` for a format.
  package let destination: String
  /// SHA-256 of the destination as it was; empty for a format.
  package let destinationDigest: [UInt8]
  /// A provider, or the name of a format.
  package let provider: String
  package let mode: Mode
  /// Nil for a format that no key wraps.
  package let provenance: Provenance?
  package let plan: ExportPlan
  /// SHA-256 of the wrapping key's SubjectPublicKeyInfo; empty where there is none.
  package let fingerprint: [UInt8]
  package let wrappingKeyBits: Int?
  package let requester: Principal
  package let createdAt: Timestamp
  package let parametersValidUntil: Timestamp?
  /// The provider's name of the key that takes the material; empty where it has none yet.
  package let target: String
  /// The export whose copy this one renews.
  package let renews: ExportID?
  /// What the provider said, encrypted; empty once used.
  package private(set) var sealedParameters: [UInt8]
  package private(set) var state: State
  package private(set) var sentAt: Timestamp?
  package private(set) var blobSHA256: [UInt8] = []
  package private(set) var approval: ApprovalID?
  package private(set) var approvers: [Principal] = []
  package private(set) var copy: ExportCopy?
  package private(set) var proof: ExportProof?
  package private(set) var failure: ExportFailure?
  package private(set) var supersededBy: ExportID?

  /// Begins as prepared.
  package init(
    id: ExportID,
    key: KeyID,
    keyName: KeyName,
    version: Int,
    destination: String,
    destinationDigest: [UInt8],
    provider: String,
    mode: Mode,
    provenance: Provenance?,
    plan: ExportPlan,
    fingerprint: [UInt8],
    wrappingKeyBits: Int?,
    requester: Principal,
    createdAt: Timestamp,
    parametersValidUntil: Timestamp?,
    target: String = "",
    renews: ExportID? = nil,
    sealedParameters: [UInt8]
  ) {
    self.id = id
    self.key = key
    self.keyName = keyName
    self.version = version
    self.destination = destination
    self.destinationDigest = destinationDigest
    self.provider = provider
    self.mode = mode
    self.provenance = provenance
    self.plan = plan
    self.fingerprint = fingerprint
    self.wrappingKeyBits = wrappingKeyBits
    self.requester = requester
    self.createdAt = createdAt
    self.parametersValidUntil = parametersValidUntil
    self.target = target
    self.renews = renews
    self.sealedParameters = sealedParameters
    state = .prepared
  }

  /// Puts the rest of a stored record in place.
  mutating func restore(
    _ state: State,
    _ sentAt: Timestamp?,
    _ blobSHA256: [UInt8],
    _ approval: ApprovalID?,
    _ approvers: [Principal],
    _ copy: ExportCopy?,
    _ proof: ExportProof?,
    _ failure: ExportFailure?,
    _ supersededBy: ExportID?
  ) {
    self.state = state
    self.sentAt = sentAt
    self.blobSHA256 = blobSHA256
    self.approval = approval
    self.approvers = approvers
    self.copy = copy
    self.proof = proof
    self.failure = failure
    self.supersededBy = supersededBy
  }

  /// The right that completing it takes: a wrapping key that a caller brought is plain export, since
  /// whoever has its private half reads the key (failure mode 16).
  package var operation: KeyOperation {
    switch provenance {
    case .fetched, .pinned: .cloudExport
    case .supplied, nil: .export
    }
  }

  /// When the copy ends: as the provider says, else as it was asked for.
  package var validUntil: Timestamp? { copy?.validUntil ?? plan.validUntil }

  /// Whether a key that works may be in a cloud because of it.
  package var isLive: Bool {
    guard mode != .file else { return false }
    switch state {
    case .sending, .delivered, .proved, .contradicted: return true
    case .prepared, .failed, .superseded, .expired, .retired: return false
    }
  }
}

/// What became of it.
extension ExportRecord {
  /// The approvals are there and the blob is made: from here on it may be anywhere.
  package mutating func send(
    blobSHA256: [UInt8],
    approval: ApprovalID?,
    approvers: [Principal],
    at now: Timestamp
  ) throws(ServiceError) {
    try require([.prepared])
    if let end = parametersValidUntil, end <= now { throw Self.parametersExpired }
    state = .sending
    self.blobSHA256 = blobSHA256
    self.approval = approval
    self.approvers = approvers
    sentAt = now
    if mode != .push {
      // The requester has it; what they do with it is not seen from here.
      state = .delivered
      sealedParameters = []
    }
  }

  /// The provider has taken it.
  package mutating func deliver(_ copy: ExportCopy) throws(ServiceError) {
    try require([.sending])
    state = .delivered
    self.copy = copy
    sealedParameters = []
  }

  /// It did not come about, or nobody can tell what became of it.
  package mutating func fail(_ failure: ExportFailure) throws(ServiceError) {
    try require([.prepared, .sending])
    state = .failed
    self.failure = failure
    sealedParameters = []
  }

  /// The provider did not answer whether it has it: it stays open.
  package mutating func leaveOpen(_ failure: ExportFailure) throws(ServiceError) {
    try require([.sending])
    self.failure = failure
  }

  /// The copy was compared with the key.
  package mutating func prove(_ proof: ExportProof) throws(ServiceError) {
    try require([.delivered, .proved, .contradicted])
    self.proof = proof
    switch proof.outcome {
    case .proved: state = .proved
    case .contradicted: state = .contradicted
    case .notProvable: state = .delivered
    }
  }

  /// The provider was asked how the copy is.
  package mutating func look(_ copy: ExportCopy, isGone: Bool) throws(ServiceError) {
    try require([.delivered, .proved, .contradicted])
    self.copy = copy
    if isGone { state = .expired }
  }

  /// A later export took its place.
  package mutating func supersede(by later: ExportID) throws(ServiceError) {
    try require([.delivered, .proved, .contradicted, .expired])
    state = .superseded
    supersededBy = later
  }

  /// Its time is over; says whether that changed it.
  package mutating func expire(at now: Timestamp) -> Bool {
    let end: Timestamp?
    switch state {
    case .prepared: end = parametersValidUntil ?? createdAt.adding(seconds: Self.longestWait)
    case .delivered, .proved, .contradicted: end = validUntil
    case .sending, .failed, .superseded, .expired, .retired: end = nil
    }
    guard let end, end <= now else { return false }
    if state == .prepared {
      failure = ExportFailure(
        reason: "parameters_expired",
        words: "The parameters came to their end before the export was completed."
      )
    }
    state = .expired
    sealedParameters = []
    return true
  }

  /// Somebody says that the copy is gone.
  package mutating func retire() throws(ServiceError) {
    try require([.delivered, .proved, .contradicted, .expired, .sending])
    state = .retired
    sealedParameters = []
  }

  /// Seconds that a prepared export waits if its provider names no end: as long as approvals hold.
  static let longestWait: Int64 = 86_400

  private func require(_ states: Set<State>) throws(ServiceError) {
    guard states.contains(state) else {
      throw ServiceError(
        .conflict,
        "The export is \(state.rawValue), which does not go with that.",
        remedy: state == .sending
          ? "Find out what became of it with: keyward export resume \(id)."
          : "See it with: keyward export show \(id)."
      )
    }
  }

  static let parametersExpired = ServiceError(
    .exportRefused,
    "The parameters of the export have come to their end.",
    remedy: "Prepare it anew: the provider gives others.",
    reason: "parameters_expired"
  )
}

/// How a key is to stand at the provider; the words that an approval is bound to are among them.
package struct ExportPlan: Hashable, Sendable {
  package var keySpec: String
  package var usage: String?
  /// Of a cloud one of `WrappingAlgorithm`, else the format's own.
  package var algorithm: String
  package var targetName: String?
  package var targetKey: String?
  package var validUntil: Timestamp?
  package var importType: CloudPlan.ImportType?
  package var materialID: String?
  /// Azure: the identifier of the KEK, where the parameters are its PEM.
  package var wrappingKeyID: String?
  package var isMultiRegion = false
  package var description = ""

  package init(keySpec: String, algorithm: String) {
    self.keySpec = keySpec
    self.algorithm = algorithm
  }
}

/// What is known of the copy from its provider.
package struct ExportCopy: Hashable, Sendable {
  package var providerKeyID: String
  package var materialID: String?
  package var state: String
  package var validUntil: Timestamp?
  package var checkedAt: Timestamp

  package init(
    providerKeyID: String,
    materialID: String?,
    state: String,
    validUntil: Timestamp?,
    checkedAt: Timestamp
  ) {
    self.providerKeyID = providerKeyID
    self.materialID = materialID
    self.state = state
    self.validUntil = validUntil
    self.checkedAt = checkedAt
  }
}

/// What a comparison of the copy with the key came to.
package struct ExportProof: Hashable, Sendable {
  package enum Outcome: String, CaseIterable, Hashable, Sendable {
    case proved
    case contradicted
    case notProvable = "not provable"
  }

  package let outcome: Outcome
  package let detail: String
  package let at: Timestamp

  package init(_ outcome: Outcome, detail: String, at: Timestamp) {
    self.outcome = outcome
    self.detail = detail
    self.at = at
  }
}

/// Why an export did not come to its end, in public words.
package struct ExportFailure: Hashable, Sendable {
  package let reason: String
  package let words: String

  package init(reason: String, words: String) {
    self.reason = reason
    self.words = words
  }

  static let rolledBack = ExportFailure(
    reason: "rolled_back",
    words: "It was prepared in a database that was restored or rolled back since."
  )
}
