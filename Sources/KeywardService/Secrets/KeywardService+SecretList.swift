package import KeywardModel
import KeywardPolicy
import KeywardStore

/// What a list of secrets asks for.
package struct SecretQuery: Hashable, Sendable {
  package var environment: EnvironmentName?
  package var project: String?
  /// A part of the name.
  package var search: String?
  package var limit: Int
  package var cursor: String?
  /// Whether secrets of which only the history is left are listed too.
  package var includesGone: Bool

  package init(
    environment: EnvironmentName? = nil,
    project: String? = nil,
    search: String? = nil,
    limit: Int = 100,
    cursor: String? = nil,
    includesGone: Bool = false
  ) {
    self.environment = environment
    self.project = project
    self.search = search
    self.limit = limit
    self.cursor = cursor
    self.includesGone = includesGone
  }

  func admits(_ path: SecretPath) -> Bool {
    if let environment, environment != path.environment { return false }
    if let project, project != path.name.project { return false }
    guard let search, !search.isEmpty else { return true }
    return path.name.description.contains(search)
  }
}

/// Showing secrets without their values: what there is, for who may know of it.
extension KeywardService {
  /// A page of secrets that the caller may see, and no hint of others: a cursor is the place of one
  /// that was listed.
  package func listSecrets(
    _ caller: Caller,
    _ query: SecretQuery
  ) async throws(ServiceError) -> SecretPage {
    var after: SecretPath?
    if let cursor = query.cursor {
      guard let path = SecretPath(cursor) else {
        throw ServiceError(.invalidRequest, "'cursor' is none that a page gave.")
      }
      after = path
    }
    let start = after
    return try await awaiting { reply in
      self.answer(caller, .secretList, .secrets, reply: reply) { _, state, record in
        var found: [SecretInfo] = []
        var last: SecretPath?
        for path in state.secrets.paths() where query.admits(path) {
          if let start, path <= start { continue }
          guard let entry = state.secrets.entry(path),
            query.includesGone || !entry.secret.isGone,
            self.maySee(
              caller,
              .secretShow,
              .secret(path.environment, path.name),
              state,
              at: record.time
            )
          else { continue }
          guard found.count < query.limit else {
            return SecretPage(secrets: found, nextCursor: last?.description)
          }
          found.append(SecretInfo(entry.secret, at: record.time))
          last = path
        }
        return SecretPage(secrets: found, nextCursor: nil)
      }
    }
  }

  /// One secret as a caller of that environment would find it, with its history.
  package func showSecret(
    _ caller: Caller,
    _ name: SecretName,
    environment: String?
  ) async throws(ServiceError) -> SecretInfo {
    let choice = try await chosenEnvironment(caller, environment)
    return try await awaiting { reply in
      self.answer(caller, .secretShow, .secret(choice.name, name), reply: reply) {
        authorization,
        state,
        record throws(ServiceError) in
        let path = SecretPath(choice.name, name)
        let chain = state.secrets.tree.chain(choice.name)
        let found = try state.secrets.find(name, in: chain, reaching: authorization.source)
        guard let entry = found?.entry ?? state.secrets.entry(path) else { throw .noSecret(path) }
        let uses = state.secrets.uses.uses(entry.secret.id).mapValues { list in
          list.map { SecretUseInfo(principal: $0.principal, at: $0.at.rfc3339) }
        }
        return SecretInfo(entry.secret, at: record.time, uses: uses)
      }
    }
  }

  /// Which names and fields one environment has and the other lacks, inherited ones included.
  ///
  /// Of names that the caller may not see in both environments nothing is told; an environment that is
  /// not declared is one without secrets, so that the answer does not tell which are.
  package func compareSecrets(
    _ caller: Caller,
    from: EnvironmentName,
    to: EnvironmentName,
    project: String?
  ) async throws(ServiceError) -> SecretDifference {
    try await awaiting { reply in
      self.answer(caller, .secretList, .secrets, reply: reply) { _, state, record in
        let tree = state.secrets.tree
        let chains = (tree.chain(from), tree.chain(to))
        let query = SecretQuery(project: project)
        let names = Set(state.secrets.paths().filter(query.admits).map(\.name)).sorted()
        var lines: [SecretDifference.Line] = []
        var same = 0
        for name in names {
          let found = (
            state.secrets.find(name, in: chains.0), state.secrets.find(name, in: chains.1)
          )
          // Of what was found, not of what would be found by now.
          let seen = [(from, found.0), (to, found.1)].allSatisfy { environment, found in
            self.maySee(
              caller,
              .secretShow,
              .secret(environment, name),
              state,
              reaching: SecretBook.source(found),
              at: record.time
            )
          }
          guard seen else { continue }
          let (left, right) = (found.0?.entry.secret, found.1?.entry.secret)
          guard left != nil || right != nil else { continue }
          let fields = (Set(left?.fieldNames ?? []), Set(right?.fieldNames ?? []))
          guard left == nil || right == nil || fields.0 != fields.1 else {
            same += 1
            continue
          }
          lines.append(
            SecretDifference.Line(
              name: name.description,
              from: left?.environment.description,
              to: right?.environment.description,
              missingFields: fields.0.subtracting(fields.1).sorted(),
              extraFields: fields.1.subtracting(fields.0).sorted()
            )
          )
        }
        return SecretDifference(
          from: from.description,
          to: to.description,
          differences: lines,
          same: same
        )
      }
    }
  }

  /// Secrets that nobody read for a time, and secrets that are old; times in seconds.
  package func reportSecrets(
    _ caller: Caller,
    environment: EnvironmentName?,
    unusedFor: Int64,
    olderThan: Int64
  ) async throws(ServiceError) -> SecretReport {
    try await awaiting { reply in
      self.answer(caller, .secretList, .secrets, reply: reply) { _, state, record in
        let now = record.time
        let query = SecretQuery(environment: environment)
        let lines = state.secrets.paths().compactMap { path -> SecretReport.Line? in
          guard query.admits(path), let secret = state.secrets.entry(path)?.secret,
            !secret.isGone, let newest = secret.newest,
            self.maySee(
              caller,
              .secretShow,
              .secret(path.environment, path.name),
              state,
              at: now
            )
          else { return nil }
          let last = state.secrets.uses.lastUse(secret.id)
          var reasons: [SecretReport.Reason] = []
          if (last ?? newest.createdAt).adding(seconds: unusedFor) <= now {
            reasons.append(.unused)
          }
          if newest.createdAt.adding(seconds: olderThan) <= now { reasons.append(.stale) }
          if newest.state(at: now) == .expired { reasons.append(.expired) }
          guard !reasons.isEmpty else { return nil }
          return SecretReport.Line(
            name: path.name.description,
            environment: path.environment.description,
            version: newest.number,
            createdAt: newest.createdAt.rfc3339,
            lastUsedAt: last?.rfc3339,
            reasons: reasons
          )
        }
        return SecretReport(lines: lines)
      }
    }
  }
}

extension Secret {
  fileprivate var fieldNames: [String] { newest?.fields.map(\.name.description) ?? [] }
}
