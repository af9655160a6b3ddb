import KeywardAuthn
package import KeywardModel
import KeywardPolicy
import KeywardStore

/// Environments: what they are called, whom they inherit from, and which one a caller gets.
extension KeywardService {
  /// The environments that the caller may see, in the order of their names.
  package func listEnvironments(_ caller: Caller) async throws(ServiceError) -> EnvironmentList {
    try await awaiting { reply in
      self.answer(caller, .environmentList, .environments, reply: reply) { _, state, record in
        let tree = state.secrets.tree
        let seen = tree.names.filter { name in
          self.maySee(caller, .environmentShow, .environment(name), state, at: record.time)
        }
        return EnvironmentList(environments: seen.compactMap { tree[$0]?.document })
      }
    }
  }

  package func environment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await awaiting { reply in
      self.answer(caller, .environmentShow, .environment(name), reply: reply) {
        _,
        state,
        _ throws(ServiceError) in
        guard let environment = state.secrets.tree[name] else { throw .noEnvironment(name) }
        return environment.document
      }
    }
  }

  /// Declares or changes an environment.
  ///
  /// Whoever lets one inherit from another must be allowed to write that one too: else a right to
  /// declare environments were a right to read what others have.
  package func writeEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName,
    _ document: EnvironmentDocument
  ) async throws(ServiceError) -> EnvironmentDocument {
    let environment = try Environment(document, path: name)
    return try await awaiting { reply in
      self.change(caller, .environmentWrite, .environment(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let old = state.secrets.tree[name]
        // Before anything tells whether there is a parent of that name.
        if let parent = environment.parent, parent != old?.parent,
          !self.maySee(caller, .environmentWrite, .environment(parent), state, at: record.time)
        {
          throw ServiceError(
            .forbidden,
            "To inherit from '\(parent)' takes environment:write on it too.",
            remedy: "Ask who keeps '\(parent)' to declare it."
          )
        }
        let tree = try state.secrets.tree.putting(environment)
        try self.store {
          if let old {
            try transaction.updateRecord(environment.stored, from: old.stored)
          } else {
            try transaction.insertRecord(environment.stored)
          }
        }
        return Change(environment.document) { state.secrets.replaceTree(tree) }
      }
    }
  }

  package func deleteEnvironment(
    _ caller: Caller,
    _ name: EnvironmentName
  ) async throws(ServiceError) -> EnvironmentDocument {
    try await awaiting { reply in
      self.change(caller, .environmentDelete, .environment(name), reply: reply) {
        _,
        state,
        transaction,
        _ throws(ServiceError) in
        guard let old = state.secrets.tree[name] else { throw .noEnvironment(name) }
        let tree = try state.secrets.tree.removing(name)
        guard !state.secrets.isUsed(name) else {
          throw ServiceError(
            .conflict,
            "The environment '\(name)' has secrets, or the history of some.",
            remedy: "An environment with a history stays; leave it without secrets."
          )
        }
        try self.store { try transaction.deleteRecord(old.stored) }
        return Change(old.document) { state.secrets.replaceTree(tree) }
      }
    }
  }

  // MARK: - Steps

  /// The environment that a request is about, or the refusal, with its entry.
  func chosenEnvironment(
    _ caller: Caller,
    _ requested: String?
  ) async throws(ServiceError) -> EnvironmentTree.Choice {
    let refusal: ServiceError
    do throws(ServiceError) {
      let state = try unsealed()
      let cluster = caller.principal.cluster.flatMap { RegistryName($0) }
      let question = EnvironmentTree.Question(
        requested: requested,
        identity: caller.principal.environment,
        cluster: cluster.flatMap { state.access.registry.records.clusters[$0]?.environment }
      )
      return try state.secrets.tree.choose(question)
    } catch {
      refusal = error
    }
    return try await awaiting { reply in
      self.answer(caller, .selfRead, .own, reply: reply) { _, _, _ throws(ServiceError) in
        throw refusal
      }
    }
  }

  /// Whether the caller may do that without any approval: what lists and comparisons go by.
  func maySee(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    _ state: UnsealedState,
    at time: Timestamp
  ) -> Bool {
    maySee(
      caller,
      operation,
      resource,
      state,
      reaching: state.secrets.source(of: resource, for: operation),
      at: time
    )
  }

  /// The same about a resource that leads to `source`.
  func maySee(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    _ state: UnsealedState,
    reaching source: @autoclosure () -> ResourcePath?,
    at time: Timestamp
  ) -> Bool {
    let request = PolicyRequest(caller, operation, resource, time: time)
    let policy = state.policy.compiled
    guard policy.isAllowed(request) else { return false }
    let decision = policy.decide(request, reaching: source())
    return decision.isAllowed && decision.approvals.isEmpty
  }
}

extension Environment {
  var stored: StoredRecord {
    StoredRecord(kind: .environment, id: name.description, body: encoded)
  }

  /// Reads a document of the API; the name of the path is the name that counts.
  init(_ document: EnvironmentDocument, path: EnvironmentName) throws(ServiceError) {
    guard document.name == path.description else {
      throw ServiceError(.invalidRequest, "'name' is not the name of the path.")
    }
    var parent: EnvironmentName?
    if let text = document.inherits {
      do { parent = try EnvironmentName(text) } catch {
        throw ServiceError(.invalidRequest, "'inherits' is no name: \(error.sentence).")
      }
    }
    let words = document.description ?? ""
    guard words.utf8.count <= Environment.longestWords else {
      throw ServiceError(
        .invalidRequest,
        "'description' has more than \(Environment.longestWords) bytes."
      )
    }
    self.init(name: path, parent: parent, isProduction: document.production, words: words)
  }
}

extension ServiceError {
  static func noEnvironment(_ name: EnvironmentName) -> ServiceError {
    ServiceError(
      .notFound,
      "There is no environment '\(name)'.",
      remedy: "Declare it with: keyward environment put \(name)."
    )
  }
}
