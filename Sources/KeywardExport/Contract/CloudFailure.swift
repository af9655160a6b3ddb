/// Why an exchange with a provider did not come to its end.
package struct CloudFailure: Error, Equatable, Sendable {
  /// Stable codes; a code never changes its meaning.
  package enum Code: String, CaseIterable, Sendable, Codable {
    case unreachable = "provider_unreachable"
    case timedOut = "provider_timed_out"
    case interrupted = "provider_interrupted"
    case untrusted = "provider_untrusted"
    case answerTooLarge = "provider_answer_too_large"
    case redirected = "provider_redirected"
    case throttled = "provider_throttled"
    case unavailable = "provider_unavailable"
    case unintelligible = "provider_unintelligible"
    case credentialsRefused = "provider_credentials_refused"
    case accessDenied = "provider_access_denied"
    case notFound = "provider_key_not_found"
    case alreadyThere = "provider_key_exists"
    case refused = "provider_refused"
    case tokenExpired = "import_token_expired"
    case tokenInvalid = "import_token_invalid"
    case blobRefused = "import_blob_refused"
    case materialRefused = "import_material_refused"
    case stateRefused = "provider_key_state"
    case unsupported = "provider_unsupported"
    case wrappingKeyUnfit = "wrapping_key_unfit"
    case importFailed = "import_failed"
    case replicaOrder = "replica_order"
    case credentialsMissing = "provider_credentials_missing"
    case unfit = "export_plan_unfit"
    case unvouched = "destination_unvouched"
    case internalFailure = "export_internal_failure"
  }

  package let code: Code
  /// One sentence without any secret.
  package let words: String
  package let remedy: String?
  /// Whether the provider may have done what it was asked: look before doing it again.
  package let mayHaveActed: Bool

  package init(
    _ code: Code,
    _ words: String,
    remedy: String? = nil,
    mayHaveActed: Bool = false
  ) {
    self.code = code
    self.words = words
    self.remedy = remedy
    self.mayHaveActed = mayHaveActed
  }
}

extension CloudFailure {
  /// A failure of the way there, while doing `what` ("import the material").
  init(_ error: CloudTransportError, _ what: String, changes: Bool) {
    switch error {
    case .unreachable(let words):
      self.init(
        .unreachable,
        "The provider cannot be reached to \(what): \(words).",
        remedy: "Nothing was sent. Check the network and the endpoint, then run it again."
      )
    case .timedOut:
      self.init(.timedOut, "The provider did not answer in time to \(what).", mayHaveActed: changes)
    case .interrupted(let words):
      self.init(
        .interrupted,
        "The connection ended before the provider answered to \(what): \(words).",
        mayHaveActed: changes
      )
    case .untrusted(let words):
      self.init(
        .untrusted,
        "The provider's certificate was refused before it could be asked to \(what): \(words).",
        remedy: "Nothing was sent. Verification cannot be switched off: name the right authority "
          + "in the destination, or find who is in between."
      )
    case .tooLarge(let limit):
      self.init(
        .answerTooLarge,
        "The answer to \(what) has more than \(limit) bytes.",
        mayHaveActed: changes
      )
    case .redirected(let status):
      self.init(
        .redirected,
        "The provider answered to \(what) with a redirect (status \(status)), which is not followed.",
        remedy: "Check the endpoint of the destination."
      )
    case .failed(let words):
      self.init(.interrupted, "It failed to \(what): \(words).", mayHaveActed: changes)
    }
  }
}
