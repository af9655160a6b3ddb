import Dispatch
import KeywardAudit
package import KeywardModel
package import KeywardPolicy
package import KeywardStore
package import Logging
import Synchronization

/// Every use case of Keyward, whatever the transport: authorize, act, make the entry durable, answer.
///
/// There are two ways in and no third: `answer` (with `answerEach`) for operations that change nothing
/// but the log, and `change` for those that do. Both ask the policy first, both see to the approvals that it asks for,
/// and both hold the reply back until the operation's audit entry is on disk. (`login` is the way to
/// an identity, and has none to ask the policy about.)
package final class KeywardService: Sendable {
  let store: any Store
  let time: any TimeSource
  /// What decides while the store's own policy cannot be read.
  let sealedPolicy: CompiledPolicy
  package let options: ServiceOptions
  let committer: Committer
  let scrubber: Scrubber
  let logger: Logger
  let session: Mutex<SealSession>
  let sealSource: SealSource?
  let startedAt: Timestamp
  let clockWatch = ClockWatch()
  /// Whether a backup or a check copies the store now.
  let copying = Atomic<Bool>(false)
  /// Where keys are made; see `prepared`.
  let keySetSource: (any KeySetSource)?
  /// Who reaches the destinations of exports; nil where there is no way out.
  let exporter: (any ExportGateway)?
  let workshop = DispatchQueue(label: "keyward.workshop", qos: .utility)
  /// Where policies are compared, which can take seconds too.
  let drawingBoard = DispatchQueue(label: "keyward.policy", qos: .utility)
  let waitingJournal = Mutex(WaitingJournal())

  /// Serves `store`, sealed until a seal is opened.
  ///
  /// `onFatal` is called when the disk refused an fsync; the process must then stop.
  package init(
    store: any Store,
    time: any TimeSource,
    policy: CompiledPolicy,
    options: ServiceOptions,
    sealSource: SealSource?,
    keySetSource: (any KeySetSource)? = nil,
    exporter: (any ExportGateway)? = nil,
    logger: Logger,
    onFatal: @escaping @Sendable (StoreError) -> Void
  ) {
    self.store = store
    self.time = time
    sealedPolicy = policy
    self.options = options
    self.sealSource = sealSource
    self.keySetSource = keySetSource
    self.exporter = exporter
    self.logger = logger
    startedAt = time.now()
    committer = Committer(store: store, onFatal: onFatal)
    scrubber = Scrubber(store, logger: logger, onFatal: onFatal)
    session = Mutex(SealSession())
    committer.whenOvertaken { [weak self] record in
      var refused = record
      refused.fail(.sealed)
      self?.journal(refused)
    }
  }

  /// The keys and the keyring; throws while sealed.
  package func unsealed() throws(ServiceError) -> UnsealedState {
    try session.withLock { session throws(ServiceError) in try session.unsealed() }
  }

  /// How many operations wait for the disk.
  package var operationsInQueue: Int { committer.waiting }

  /// The time that entries and records carry: the wall clock, never earlier than it was.
  package func now() -> Timestamp {
    clockWatch.read(time.now())
  }

  // MARK: - The two ways in

  /// Authorizes, acts on what is in memory, makes the entry durable, replies.
  ///
  /// `act` runs on the caller's thread at once; it must not block. `reply` runs on the writing
  /// thread after the commit, or at once if the operation was refused while sealed.
  package func answer<Result: Sendable>(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    reply: @escaping @Sendable (Swift.Result<Result, ServiceError>) -> Void,
    act: (consuming Authorization, UnsealedState, inout AuditRecord) throws(ServiceError) -> Result
  ) {
    var record = AuditRecord(
      time: now(),
      caller: caller,
      operation: operation,
      resource: resource
    )
    let outcome: Swift.Result<Result, ServiceError>
    var step = ApprovalStep.none
    var state: UnsealedState?
    do throws(ServiceError) {
      let open = try unsealed()
      state = open
      let authorization = try authorize(&record, open)
      step = try approvalStep(authorization.approvals, &record, open)
      if case .ask(let approval, _) = step { throw .approvalPending(approval) }
      outcome = .success(try act(authorization, open, &record))
      record.succeed()
    } catch {
      record.fail(error)
      outcome = .failure(error)
    }
    if case .failure(let error) = outcome {
      release(step, state)
      if case .use = step { step = .none }
      if error == .sealed || error == .notInitialized {
        journal(record)
        reply(outcome)
        return
      }
    }
    guard let state, step.isChange else {
      committer.submit(record) { durable in reply(durable.flatMap { outcome }) }
      return
    }
    submit(record, step, state) { durable in reply(durable.flatMap { outcome }) }
  }

  /// What became of one of several things that a request asked for.
  package struct Judged<Value: Sendable>: Sendable {
    /// What decided, as the audit log spells it.
    package let rule: String
    package let result: Swift.Result<Value, ServiceError>
  }

  /// The form of `answer` for one operation on several things: the policy is asked about each, each
  /// has an entry, all entries are durable in one commit, and then it replies.
  ///
  /// With `isWhole` one failure withholds everything: the entries of what would have been allowed
  /// say so, and nothing of it may be given. What asks for approval is refused, since one request
  /// carries at most one approval. `act` gives a value and, where that says that there is nothing to
  /// give, the refusal for the entry; it must not block.
  package func answerEach<Value: Sendable>(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resources: [Resource],
    isWhole: Bool,
    reply: @escaping @Sendable (Swift.Result<[Judged<Value>], ServiceError>) -> Void,
    act: (Int, consuming Authorization, UnsealedState, inout AuditRecord) throws(ServiceError) ->
      (value: Value, refusal: ServiceError?)
  ) {
    let time = now()
    let state: UnsealedState
    do throws(ServiceError) {
      state = try unsealed()
    } catch {
      for resource in resources.prefix(1) {
        var refused = AuditRecord(
          time: time,
          caller: caller,
          operation: operation,
          resource: resource
        )
        refused.fail(error)
        journal(refused)
      }
      reply(.failure(error))
      return
    }
    var records: [AuditRecord] = []
    var judged: [Judged<Value>] = []
    records.reserveCapacity(resources.count)
    judged.reserveCapacity(resources.count)
    var isComplete = true
    var allowed: [Int] = []
    for (index, resource) in resources.enumerated() {
      var record = AuditRecord(
        time: time,
        caller: caller,
        operation: operation,
        resource: resource
      )
      let result: Swift.Result<Value, ServiceError>
      do throws(ServiceError) {
        let authorization = try authorize(&record, state)
        guard authorization.approvals.isEmpty else {
          throw ServiceError.approvalNotGathered(authorization.approvals)
        }
        let (value, refusal) = try act(index, authorization, state, &record)
        result = .success(value)
        if let refusal {
          record.fail(refusal)
          isComplete = false
        } else {
          record.succeed()
          allowed.append(index)
        }
      } catch {
        record.fail(error)
        result = .failure(error)
        isComplete = false
      }
      judged.append(Judged(rule: record.rule ?? "default-deny", result: result))
      records.append(record)
    }
    if isWhole, !isComplete {
      for index in allowed { records[index].withhold() }
    }
    let outcome = judged
    committer.submit(records) { durable in reply(durable.map { outcome }) }
  }

  /// Makes an entry durable together with what its operation does to an approval.
  private func submit(
    _ record: AuditRecord,
    _ step: ApprovalStep,
    _ state: UnsealedState,
    reply: @escaping Committer.Reply
  ) {
    committer.submit(
      record,
      change: { transaction, _ in try self.write(step, transaction, state) },
      reply: { durable in
        if case .failure = durable { self.release(step, state) }
        reply(durable)
      }
    )
  }

  /// Authorizes, changes the store in a transaction that holds the entry too, replies once durable.
  ///
  /// `act` runs on the writing thread, where it is the only one, and returns the answer and what
  /// makes the change visible to readers; the latter runs after the commit and before the reply. What
  /// the change reaches besides `resource` is `reaching`: policy is asked about it as well, with its
  /// approvals, and it has an entry of its own. With `isApprovedByShares` no approvals are gathered, since
  /// `act` begins with the proof that a quorum of shares stands for them. With `isOfItsResourceAlone` the
  /// change shares a commit with changes of other resources: `act` does not see what they change, and
  /// may be run twice.
  package func change<Answer: Sendable>(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    reaching other: (operation: ServiceOperation, resource: Resource)? = nil,
    isApprovedByShares: Bool = false,
    isOfItsResourceAlone: Bool = false,
    reply: @escaping @Sendable (Result<Answer, ServiceError>) -> Void,
    act:
      @escaping @Sendable (
        consuming Authorization, UnsealedState, any StoreTransaction, inout AuditRecord
      ) throws(ServiceError) -> Change<Answer>
  ) {
    precondition(other == nil || !isOfItsResourceAlone, "it is about two resources")
    let record = AuditRecord(
      time: now(),
      caller: caller,
      operation: operation,
      resource: resource
    )
    do {
      _ = try unsealed()
    } catch {
      var refused = record
      refused.fail(error)
      journal(refused)
      reply(.failure(error))
      return
    }
    let slot = AnswerSlot<Result<Answer, ServiceError>>()
    let reserved = AnswerSlot<(ApprovalStep, UnsealedState)>()
    committer.submit(
      record,
      isOfItsResourceAlone: isOfItsResourceAlone,
      change: { transaction, record in
        if let (step, state) = reserved.take() { self.release(step, state) }
        let state = try self.unsealed()
        let authorization = try self.authorize(&record, state)
        var approvals = authorization.approvals
        if let other { approvals += try self.authorize(&record, reaching: other, state) }
        let step: ApprovalStep =
          isApprovedByShares ? .none : try self.approvalStep(approvals, &record, state)
        reserved.put((step, state))
        let show = try self.write(step, transaction, state)
        if case .ask(let approval, _) = step {
          // The refusal is what this change is: the request for approval stays.
          let refusal = ServiceError.approvalPending(approval)
          record.fail(refusal)
          slot.put(.failure(refusal))
          return show
        }
        let change = try act(authorization, state, transaction, &record)
        switch change.outcome {
        case .success: record.succeed()
        case .failure(let refusal): record.fail(refusal)
        }
        slot.put(change.outcome)
        return {
          show()
          change.apply()
        }
      },
      reply: { durable in
        switch durable {
        case .failure(let error):
          if let (step, state) = reserved.take() { self.release(step, state) }
          reply(.failure(error))
        case .success:
          reply(
            slot.take() ?? .failure(ServiceError(.internalError, "The change gave no answer."))
          )
        }
      }
    )
  }

  /// The policy that decides now.
  var policy: CompiledPolicy {
    session.withLock { $0.open }?.policy.compiled ?? sealedPolicy
  }

  /// Asks the policy, and writes what it said into the record.
  private func authorize(
    _ record: inout AuditRecord,
    _ state: UnsealedState
  ) throws(ServiceError) -> Authorization {
    let source = state.secrets.source(of: record.resource, for: record.operation)
    do {
      let authorization = try state.policy.compiled.authorize(
        PolicyRequest(record.caller, record.operation, record.resource, time: record.time),
        reaching: source
      )
      record.rule = authorization.rule
      record.isPermitted = true
      return authorization
    } catch {
      // An entry tells what policy says of its own resource; the rest is a later check.
      record.isPermitted = error.allowedBy != nil
      record.rule = error.allowedBy ?? error.decision.rule
      throw ServiceError(error, source)
    }
  }

  /// Asks the policy about what a change reaches besides its resource; returns what has to be approved.
  private func authorize(
    _ record: inout AuditRecord,
    reaching other: (operation: ServiceOperation, resource: Resource),
    _ state: UnsealedState
  ) throws(ServiceError) -> [ApprovalRequirement] {
    var reached = AuditRecord(
      time: record.time,
      caller: record.caller,
      operation: other.operation,
      resource: other.resource
    )
    defer { record.reached = [reached] }
    do {
      let authorization = try authorize(&reached, state)
      return authorization.approvals
    } catch {
      reached.fail(error)
      throw error
    }
  }
}

/// What a change hands back: the answer, and what shows it to readers once it is durable.
///
/// The answer can be a refusal that is itself worth writing down, such as an attempt that is counted.
package struct Change<Answer: Sendable>: Sendable {
  package let outcome: Result<Answer, ServiceError>
  package let apply: @Sendable () -> Void

  package init(_ answer: Answer, apply: @escaping @Sendable () -> Void) {
    self.init(outcome: .success(answer), apply: apply)
  }

  package init(
    outcome: Result<Answer, ServiceError>,
    apply: @escaping @Sendable () -> Void
  ) {
    self.outcome = outcome
    self.apply = apply
  }
}
