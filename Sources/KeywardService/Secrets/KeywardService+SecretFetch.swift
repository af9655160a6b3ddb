import KeywardAudit
package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy

/// The head of a fetch with its values, in the order of the head's lengths.
package struct FetchedSecrets: Sendable {
  package let head: FetchSecretsHead
  package let values: [SecretBox]
}

/// Reading secrets: all references of a run in one request, and one secret by itself.
extension KeywardService {
  /// One reference, resolved: what there is, and the values if they were opened.
  private struct Resolved: Sendable {
    let entry: SecretBook.Entry
    let version: SecretVersion
    let fields: [SecretVersion.Field]
    let values: [SecretBox]
  }

  /// What became of a reference that policy allows.
  private enum Fetched: Sendable {
    case given(Resolved)
    case absent(SecretResolution.Outcome, String)
  }

  /// What a reference leads to.
  private enum Lookup {
    case found(SecretBook.Entry, SecretVersion, [SecretVersion.Field], depth: Int)
    case absent(SecretResolution.Outcome, String)
  }

  /// Fetches, or plans to fetch, all references: one entry for each of them, in one commit.
  ///
  /// Policy is asked about `secret:read` in the environment that the request is for; of a value that is
  /// inherited, what forbids or asks for approval where it comes from counts too. Without `partial`, one refusal means that no value is given. A plan
  /// opens nothing and is a question about the caller's own rights, with one entry.
  package func fetchSecrets(
    _ caller: Caller,
    _ request: FetchSecretsRequest
  ) async throws(ServiceError) -> FetchedSecrets {
    let references = try Self.parsed(request.references)
    let choice = try await chosenEnvironment(caller, request.environment)
    if request.plan ?? false { return try await plan(caller, references, choice) }
    let judged: [Judged<Fetched>] = try await awaiting { reply in
      let opened = OpenedVersions()
      self.answerEach(
        caller,
        .secretRead,
        references.map { .secret(choice.name, $0.secret) },
        isWhole: !(request.partial ?? false),
        reply: reply
      ) { index, authorization, state, record throws(ServiceError) in
        let reference = references[index]
        switch try self.look(
          reference,
          choice,
          state,
          reaching: authorization.source,
          at: record.time
        ) {
        case .absent(let outcome, let words):
          return (.absent(outcome, words), ServiceError(.notFound, words))
        case .found(let entry, let version, let fields, let depth):
          record.details = [
            .secret(version: UInt64(version.number), depth: UInt64(depth))
          ]
          let values = try opened.values(entry, version, try state.keyring())
          var boxes: [SecretBox] = []
          for field in fields { boxes.append(try values.value(field.name)) }
          guard opened.give(boxes.reduce(0) { $0 + $1.bytes.count }) else {
            throw ServiceError(
              .limitExceeded,
              "The values of one fetch have at most \(SecretLimits.fetchBytes) bytes."
            )
          }
          let resolved = Resolved(entry: entry, version: version, fields: fields, values: boxes)
          return (.given(resolved), nil)
        }
      }
    }
    let isComplete = judged.allSatisfy { one in
      if case .success(.given) = one.result { true } else { false }
    }
    let gives = isComplete || (request.partial ?? false)
    var results: [SecretResolution] = []
    var values: [SecretBox] = []
    var reads: [(id: SecretID, version: Int)] = []
    for (reference, one) in zip(request.references, judged) {
      switch one.result {
      case .success(.given(let resolved)):
        results.append(
          Self.resolution(
            reference,
            one.rule,
            resolved.entry,
            resolved.version,
            resolved.fields,
            hasValues: gives
          )
        )
        guard gives else { continue }
        values += resolved.values
        reads.append((resolved.entry.secret.id, resolved.version.number))
      case .success(.absent(let outcome, let words)):
        results.append(
          SecretResolution(
            reference: reference,
            outcome: outcome,
            rule: one.rule,
            message: words
          )
        )
      case .failure(let error):
        // Only policy refuses one reference; a fault of the server is not a property of it.
        guard error.code == .forbidden || error.code == .approvalRequired else { throw error }
        let outcome: SecretResolution.Outcome =
          error.code == .forbidden ? .forbidden : .approvalRequired
        results.append(
          SecretResolution(
            reference: reference,
            outcome: outcome,
            rule: one.rule,
            message: Self.words(error, choice, one.rule)
          )
        )
      }
    }
    if !reads.isEmpty, let state = try? unsealed() {
      state.secrets.uses.note(reads, by: caller.principal.author, at: now())
    }
    return FetchedSecrets(
      head: Self.head(choice, isComplete: isComplete, results),
      values: values
    )
  }

  /// Reads one secret by itself, with the approval that its rules may ask for.
  package func readSecret(
    _ caller: Caller,
    _ reference: SecretReference,
    environment: String?
  ) async throws(ServiceError) -> FetchedSecrets {
    let choice = try await chosenEnvironment(caller, environment)
    return try await awaiting { (reply: @escaping @Sendable (Result<FetchedSecrets, _>) -> Void) in
      self.answer(
        caller,
        .secretRead,
        .secret(choice.name, reference.secret),
        reply: { (result: Result<(FetchedSecrets, SecretID, Int), ServiceError>) in
          if case .success((_, let id, let version)) = result, let state = try? self.unsealed() {
            state.secrets.uses.note([(id, version)], by: caller.principal.author, at: self.now())
          }
          reply(result.map(\.0))
        }
      ) { authorization, state, record throws(ServiceError) in
        switch try self.look(
          reference,
          choice,
          state,
          reaching: authorization.source,
          at: record.time
        ) {
        case .absent(_, let words): throw ServiceError(.notFound, words)
        case .found(let entry, let version, let fields, let depth):
          record.details = [.secret(version: UInt64(version.number), depth: UInt64(depth))]
          let opened = try SecretValues(opening: entry, version, try state.keyring())
          var values: [SecretBox] = []
          for field in fields { values.append(try opened.value(field.name)) }
          let result = Self.resolution(
            reference.description,
            record.rule ?? "",
            entry,
            version,
            fields,
            hasValues: true
          )
          let head = Self.head(choice, isComplete: true, [result])
          return (
            FetchedSecrets(head: head, values: values), entry.secret.id, version.number
          )
        }
      }
    }
  }

  // MARK: - Steps

  /// Says what a fetch would give, and why; nothing is opened.
  private func plan(
    _ caller: Caller,
    _ references: [SecretReference],
    _ choice: EnvironmentTree.Choice
  ) async throws(ServiceError) -> FetchedSecrets {
    try await awaiting { reply in
      self.answer(caller, .selfRead, .own, reply: reply) {
        _,
        state,
        record throws(ServiceError) in
        record.details = [.count(UInt64(references.count))]
        let time = record.time
        let results = try references.map { reference throws(ServiceError) in
          try self.planned(caller, reference, choice, state, at: time)
        }
        let isComplete = results.allSatisfy { $0.outcome == .allowed }
        let head = Self.head(choice, isComplete: isComplete, results)
        return FetchedSecrets(head: head, values: [])
      }
    }
  }

  private func planned(
    _ caller: Caller,
    _ reference: SecretReference,
    _ choice: EnvironmentTree.Choice,
    _ state: UnsealedState,
    at time: Timestamp
  ) throws(ServiceError) -> SecretResolution {
    let text = reference.description
    func absent(
      _ outcome: SecretResolution.Outcome,
      _ rule: String,
      _ words: String
    ) -> SecretResolution {
      SecretResolution(reference: text, outcome: outcome, rule: rule, message: words)
    }
    let resource = Resource.secret(choice.name, reference.secret)
    let source = state.secrets.source(of: resource, for: .secretRead)
    let question = PolicyRequest(caller, .secretRead, resource, time: time)
    let rule: String
    do throws(Refusal) {
      let authorization = try state.policy.compiled.authorize(question, reaching: source)
      rule = authorization.rule
      guard authorization.approvals.isEmpty else {
        let error = ServiceError.approvalNotGathered(authorization.approvals)
        return absent(.approvalRequired, rule, error.message)
      }
    } catch {
      let rule = error.allowedBy.map { AuditedRequest.Later.prefix + $0 } ?? error.decision.rule
      return absent(.forbidden, rule, Self.words(ServiceError(error, source), choice, rule))
    }
    switch try look(reference, choice, state, reaching: source, at: time) {
    case .absent(let outcome, let words): return absent(outcome, rule, words)
    case .found(let entry, let version, let fields, _):
      return Self.resolution(text, rule, entry, version, fields, hasValues: false)
    }
  }

  /// Looks for what a reference means; the caller has been authorized to read it.
  private func look(
    _ reference: SecretReference,
    _ choice: EnvironmentTree.Choice,
    _ state: UnsealedState,
    reaching source: ResourcePath?,
    at now: Timestamp
  ) throws(ServiceError) -> Lookup {
    let chain = state.secrets.tree.chain(choice.name)
    guard !chain.isEmpty else {
      return .absent(.missing, "The environment '\(choice.name)' is not declared.")
    }
    let found = try state.secrets.find(reference.secret, in: chain, reaching: source)
    guard let (entry, depth) = found else {
      let places = chain.map(\.description).joined(separator: ", ")
      return .absent(.missing, "There is no secret '\(reference.secret)' in: \(places).")
    }
    let place = "'\(reference.secret)' in '\(entry.secret.environment)'"
    let number = reference.version ?? entry.secret.latest
    guard let version = entry.secret.version(number) else {
      return .absent(.missing, "\(place) has no version \(number).")
    }
    switch version.state(at: now) {
    case .active: break
    case .deleted: return .absent(.deleted, "Version \(number) of \(place) is deleted.")
    case .destroyed: return .absent(.destroyed, "Version \(number) of \(place) is destroyed.")
    case .expired:
      return .absent(
        .expired,
        "Version \(number) of \(place) expired at \(version.expiresAt?.rfc3339 ?? "")."
      )
    }
    guard let name = reference.field else {
      return .found(entry, version, version.fields, depth: depth)
    }
    guard let field = version.fields.first(where: { $0.name == name }) else {
      return .absent(.missing, "Version \(number) of \(place) has no field '\(name)'.")
    }
    return .found(entry, version, [field], depth: depth)
  }

  /// What a result says of a refusal; one that is not policy's usual answer has its own words.
  private static func words(
    _ error: ServiceError,
    _ choice: EnvironmentTree.Choice,
    _ rule: String
  ) -> String {
    guard error == .forbidden else { return error.message }
    return "Policy does not allow secret:read on it in '\(choice.name)': \(rule)."
  }

  private static func head(
    _ choice: EnvironmentTree.Choice,
    isComplete: Bool,
    _ results: [SecretResolution]
  ) -> FetchSecretsHead {
    FetchSecretsHead(
      environment: choice.name.description,
      environmentSource: choice.source,
      // Who may read nothing there learns nothing of the environment.
      isProduction: choice.isProduction && results.contains { $0.outcome != .forbidden },
      isComplete: isComplete,
      results: results
    )
  }

  private static func resolution(
    _ reference: String,
    _ rule: String,
    _ entry: SecretBook.Entry,
    _ version: SecretVersion,
    _ fields: [SecretVersion.Field],
    hasValues: Bool
  ) -> SecretResolution {
    SecretResolution(
      reference: reference,
      outcome: .allowed,
      rule: rule,
      environment: entry.secret.environment.description,
      version: version.number,
      kind: version.kind,
      createdAt: version.createdAt.rfc3339,
      expiresAt: version.expiresAt?.rfc3339,
      values: fields.map {
        SecretResolution.Value(
          field: $0.name.description,
          length: hasValues ? $0.length : nil
        )
      }
    )
  }

  private static func parsed(_ texts: [String]) throws(ServiceError) -> [SecretReference] {
    guard !texts.isEmpty else {
      throw ServiceError(.invalidRequest, "'references' is empty.")
    }
    guard texts.count <= SecretLimits.references else {
      throw ServiceError(
        .limitExceeded,
        "A fetch has at most \(SecretLimits.references) references."
      )
    }
    var references: [SecretReference] = []
    references.reserveCapacity(texts.count)
    for (index, text) in texts.enumerated() {
      do {
        references.append(try SecretReference(text, form: .fieldOrWhole))
      } catch {
        throw ServiceError(
          .invalidRequest,
          "'references[\(index)]' is no reference: \(error.sentence).",
          remedy: "Write references as kw://project/name#field."
        )
      }
    }
    return references
  }
}
