import KeywardAuthn
package import KeywardModel
import KeywardStore

/// Secret ids of machine roles.
extension KeywardService {
  /// Makes a secret id: the one time that it is shown.
  package func createSecretID(
    _ caller: Caller,
    _ name: RegistryName,
    networks texts: [String]
  ) async throws(ServiceError) -> IssuedSecretID {
    var networks: [NetworkPrefix] = []
    for text in texts {
      guard let network = NetworkPrefix(text) else {
        throw ServiceError(
          .invalidRequest,
          "'networks' has a member that is no network.",
          remedy: "Give networks such as 10.0.0.0/8, separated by commas."
        )
      }
      networks.append(network)
    }
    let bound = networks
    return try await awaiting { reply in
      self.change(caller, .authSecretID, .registered(.roles, name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        guard let role = state.access.registry.records.roles[name] else {
          throw .nothingRegistered(.roles, name)
        }
        guard
          let credential = Credential(.secretID, random: try self.random(Credential.randomLength)),
          let accessor = Accessor(.secretID, random: try self.random(16))
        else { throw ServiceError(.internalError, "No secret id could be made.") }
        let made = SecretIDRecord(
          accessor: accessor,
          role: role,
          digest: credential.digest(state.access.credentialKey),
          now: record.time,
          networks: bound
        )
        try self.store { try transaction.insertRecord(made.stored) }
        let issued = IssuedSecretID(
          roleID: role.roleID.description,
          secretID: credential.revealed(),
          info: made.info
        )
        return Change(issued) { state.access.withCredentials { $0.put(made) } }
      }
    }
  }

  package func listSecretIDs(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> SecretIDPage {
    try await awaiting { reply in
      self.answer(caller, .authShow, .registered(.roles, name), reply: reply) {
        _,
        state,
        _ throws(ServiceError) in
        guard state.access.registry.records.roles[name] != nil else {
          throw .nothingRegistered(.roles, name)
        }
        let found = state.access.withCredentials { book in
          book.secretIDs.values.filter { $0.role == name }
        }
        return SecretIDPage(
          secretIDs: found.sorted { $0.accessor < $1.accessor }.map(\.info)
        )
      }
    }
  }

  package func revokeSecretID(
    _ caller: Caller,
    _ name: RegistryName,
    accessor: String
  ) async throws(ServiceError) -> SecretIDInfo {
    try await awaiting { reply in
      self.change(caller, .authSecretID, .registered(.roles, name), reply: reply) {
        _,
        state,
        transaction,
        _ throws(ServiceError) in
        // The role is part of the question: an accessor of another role is not there (V17).
        let found = state.access.withCredentials { book in
          book.secretIDs.values.first {
            $0.role == name && $0.accessor.description == accessor
          }
        }
        guard let old = found else {
          throw ServiceError(
            .notFound,
            "The role has no secret id with this accessor.",
            remedy: "List them with: keyward auth role secret-ids \(name)."
          )
        }
        try self.store { try transaction.deleteRecord(old.stored) }
        return Change(old.info) { state.access.withCredentials { $0.remove(old) } }
      }
    }
  }
}
