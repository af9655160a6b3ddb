import KeywardAuthn
package import KeywardModel
import KeywardPolicy
import KeywardStore

/// The registry of identities: clusters, issuers, authorities and machine roles.
extension KeywardService {
  package func listRegistry(
    _ caller: Caller,
    _ kind: RegistryKind,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> RegistryPage {
    try await awaiting { reply in
      self.answer(caller, .authList, .registry(kind), reply: reply) { _, state, _ in
        let names = state.access.registry.names(kind).map(\.description)
          .filter { name in cursor.map { name > $0 } ?? true }
        let page = Array(names.prefix(limit))
        return RegistryPage(names: page, nextCursor: names.count > limit ? page.last : nil)
      }
    }
  }

  package func deleteRegistered(
    _ caller: Caller,
    _ kind: RegistryKind,
    _ name: RegistryName
  ) async throws(ServiceError) -> RegistryPage {
    try await awaiting { reply in
      self.change(caller, .authDelete, .registered(kind, name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let registry = state.access.registry
        guard let old = registry.stored(kind, name) else { throw .nothingRegistered(kind, name) }
        let without = try self.translated { () throws(AuthnError) in
          try registry.applying(.remove(kind, name))
        }
        try self.checkReach(from: registry, to: without, state, at: record.time)
        // Who came in by it goes with it, on the next request (V21).
        let gone = self.orphans(of: kind, name, in: registry, state)
        try self.store {
          try transaction.deleteRecord(old)
          for token in gone.tokens { try transaction.deleteRecord(token.stored) }
          for secretID in gone.secretIDs { try transaction.deleteRecord(secretID.stored) }
        }
        let show = try self.removeVotes(of: gone.tokens, transaction, state, at: record.time)
        return Change(RegistryPage(names: [name.description], nextCursor: nil)) {
          show()
          state.access.withIdentities { $0.replace(without) }
          state.access.withCredentials { book in
            for token in gone.tokens { book.remove(token) }
            for secretID in gone.secretIDs { book.remove(secretID) }
          }
        }
      }
    }
  }

  package func cluster(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> ClusterDocument {
    try await show(caller, .clusters, name) { $0.records.clusters[name]?.document }
  }

  package func writeCluster(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: ClusterDocument
  ) async throws(ServiceError) -> ClusterDocument {
    try await write(caller, .clusters, name) { registry throws(AuthnError) in
      let record = try ClusterRecord(document, path: name)
      return (.putCluster(record), record.document)
    }
  }

  package func issuer(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> IssuerDocument {
    try await show(caller, .issuers, name) { $0.records.issuers[name]?.document }
  }

  package func writeIssuer(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: IssuerDocument
  ) async throws(ServiceError) -> IssuerDocument {
    try await write(caller, .issuers, name) { registry throws(AuthnError) in
      let record = try IssuerRecord(document, path: name)
      return (.putIssuer(record), record.document)
    }
  }

  package func authority(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> AuthorityDocument {
    try await show(caller, .authorities, name) { $0.records.authorities[name]?.document }
  }

  package func writeAuthority(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: AuthorityDocument
  ) async throws(ServiceError) -> AuthorityDocument {
    try await write(caller, .authorities, name) { registry throws(AuthnError) in
      let record = try AuthorityRecord(document, path: name)
      return (.putAuthority(record), record.document)
    }
  }

  package func role(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> MachineRoleDocument {
    try await show(caller, .roles, name) { $0.records.roles[name]?.document }
  }

  /// Makes or changes a machine role; its role id is made once and stays.
  package func writeRole(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: MachineRoleDocument
  ) async throws(ServiceError) -> MachineRoleDocument {
    let fresh: RoleID = try newIdentifier()
    return try await write(caller, .roles, name) { registry throws(AuthnError) in
      let roleID = registry.records.roles[name]?.roleID ?? fresh
      let record = try MachineRoleRecord(document, path: name, roleID: roleID)
      return (.putRole(record), record.document)
    }
  }

  // MARK: - Steps

  private func show<Document: Sendable>(
    _ caller: Caller,
    _ kind: RegistryKind,
    _ name: RegistryName,
    _ find: @escaping @Sendable (Registry) -> Document?
  ) async throws(ServiceError) -> Document {
    try await awaiting { reply in
      self.answer(caller, .authShow, .registered(kind, name), reply: reply) {
        _,
        state,
        _ throws(ServiceError) in
        guard let document = find(state.access.registry) else {
          throw .nothingRegistered(kind, name)
        }
        return document
      }
    }
  }

  private func write<Document: Sendable>(
    _ caller: Caller,
    _ kind: RegistryKind,
    _ name: RegistryName,
    _ make:
      @escaping @Sendable (Registry) throws(AuthnError) -> (Registry.Change, Document)
  ) async throws(ServiceError) -> Document {
    let resource = Resource.registered(kind, name)
    let grants = await prepared(caller, .authWrite, resource, on: drawingBoard) {
      () throws(ServiceError) in
      let state = try self.unsealed()
      let (change, _) = try self.translated { () throws(AuthnError) in
        try make(state.access.registry)
      }
      return IdentityGrants(change.identities, to: caller, state.policy, now: self.now())
    }
    return try await awaiting { reply in
      self.change(caller, .authWrite, resource, reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let registry = state.access.registry
        let old = registry.stored(kind, name)
        let (change, document) = try self.translated { () throws(AuthnError) in
          try make(registry)
        }
        let renewsLists = change.onlyRenewsLists(in: registry)
        if !renewsLists { try grants.get().check(change.identities, state.policy) }
        let changed = try self.translated { () throws(AuthnError) in
          try registry.applying(change)
        }
        try self.checkReach(from: registry, to: changed, state, at: record.time)
        // A binding may have been there before its issuer.
        if let problem = BindingBreadth.problem(of: state.policy.set, under: changed),
          BindingBreadth.problem(of: state.policy.set, under: registry) == nil
        {
          throw ServiceError(
            .conflict,
            "With this record a binding would let in too many: \(problem)",
            remedy: "Narrow the binding first, then register."
          )
        }
        guard let new = changed.stored(kind, name) else {
          throw ServiceError(.internalError, "The record was not made.")
        }
        // What was proved by the former record is proved anew by the new one. Newer revocation lists
        // take nothing back from who is not on them: a token is looked at with its certificate.
        let gone =
          old == nil || old == new || renewsLists
          ? [] : self.orphans(of: kind, name, in: registry, state).tokens
        try self.store {
          if let old {
            try transaction.updateRecord(new, from: old)
          } else {
            try transaction.insertRecord(new)
          }
          for token in gone { try transaction.deleteRecord(token.stored) }
        }
        let show = try self.removeVotes(of: gone, transaction, state, at: record.time)
        return Change(document) {
          show()
          state.access.withIdentities { $0.replace(changed) }
          state.access.withCredentials { book in
            for token in gone { book.remove(token) }
          }
        }
      }
    }
  }

  /// Refuses to take away the last who could approve a change of the policy.
  private func checkReach(
    from old: Registry,
    to new: Registry,
    _ state: UnsealedState,
    at now: Timestamp
  ) throws(ServiceError) {
    let policy = state.policy.compiled
    let after = ApprovalReach(policy: policy, registry: new, now: now)
    guard let rule = after.unreachableForOfficers(),
      ApprovalReach(policy: policy, registry: old, now: now).unreachableForOfficers() == nil
    else { return }
    throw ServiceError(
      .conflict,
      "Without this record nobody could approve a change of the policy: it vouches for approvers of "
        + "'\(rule)'.",
      remedy: "Change the approval rule first."
    )
  }

  /// The tokens and secret ids of identities that only this record vouched for.
  private func orphans(
    of kind: RegistryKind,
    _ name: RegistryName,
    in registry: Registry,
    _ state: UnsealedState
  ) -> (tokens: [TokenRecord], secretIDs: [SecretIDRecord]) {
    state.access.withCredentials { book in
      let tokens = book.tokens.values.filter { token in
        let principal = token.principal
        return switch kind {
        case .clusters: principal.cluster == name.description
        case .issuers:
          principal.kind == .jwt && principal.cluster == nil
            && principal.issuer == name.description
        case .authorities:
          principal.kind == .certificate && principal.cluster == nil
            && principal.issuer == name.description
        case .roles: principal.kind == .machineRole && principal.name == name.description
        }
      }
      let secretIDs = kind == .roles ? book.secretIDs.values.filter { $0.role == name } : []
      return (tokens, secretIDs)
    }
  }
}

extension ServiceError {
  static func nothingRegistered(_ kind: RegistryKind, _ name: RegistryName) -> ServiceError {
    ServiceError(
      .notFound,
      "There is no record '\(name)' in \(kind.rawValue).",
      remedy: "List them with: keyward auth \(kind.command) list."
    )
  }
}

extension RegistryKind {
  /// The noun of the commands.
  fileprivate var command: String {
    switch self {
    case .clusters: "cluster"
    case .issuers: "issuer"
    case .authorities: "authority"
    case .roles: "role"
    }
  }
}
