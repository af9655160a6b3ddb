import KeywardExport
package import KeywardModel
import KeywardStore

/// Where keys can be exported to.
extension KeywardService {
  package func listDestinations(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> DestinationPage {
    try await awaiting { reply in
      self.answer(caller, .destinationList, .destinations, reply: reply) { _, state, _ in
        let all = state.inventory.destinations
          .filter { destination in cursor.map { destination.name.description > $0 } ?? true }
        let page = all.prefix(limit)
        return DestinationPage(
          destinations: page.map(\.document),
          nextCursor: all.count > limit ? page.last?.name.description : nil
        )
      }
    }
  }

  package func destination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument {
    try await awaiting { reply in
      self.answer(caller, .destinationShow, .destination(name), reply: reply) {
        _,
        state,
        _ throws(ServiceError) in
        try self.destination(name, state).document
      }
    }
  }

  /// Makes or replaces a destination.
  ///
  /// Who may do this decides where keys go that may go to the name: exports that were prepared under
  /// the former words are not completed.
  package func writeDestination(
    _ caller: Caller,
    _ name: RegistryName,
    _ document: DestinationDocument
  ) async throws(ServiceError) -> DestinationDocument {
    try await awaiting { reply in
      self.change(caller, .destinationWrite, .destination(name), reply: reply) {
        _,
        state,
        transaction,
        _ throws(ServiceError) in
        let new = try Destination(
          document,
          path: name,
          takesForeignEndpoints: self.options.takesForeignEndpoints
        )
        let old = state.inventory.destination(name)
        if let old, old.provider != new.provider {
          throw ServiceError(
            .conflict,
            "The destination '\(name)' is of \(old.provider.rawValue).",
            remedy: "Make one of another name, or delete it first."
          )
        }
        guard old != nil || state.inventory.destinations.count < Self.mostDestinations else {
          throw ServiceError(.limitExceeded, "There are \(Self.mostDestinations) destinations.")
        }
        try self.store {
          if let old {
            try transaction.updateRecord(new.stored, from: old.stored)
          } else {
            try transaction.insertRecord(new.stored)
          }
        }
        return Change(new.document) { state.inventory.put(new) }
      }
    }
  }

  package func deleteDestination(
    _ caller: Caller,
    _ name: RegistryName
  ) async throws(ServiceError) -> DestinationDocument {
    try await awaiting { reply in
      self.change(caller, .destinationDelete, .destination(name), reply: reply) {
        _,
        state,
        transaction,
        _ throws(ServiceError) in
        let old = try self.destination(name, state)
        let text = name.description
        let copies = state.inventory.exports.filter { $0.destination == text && $0.isLive }
        guard copies.isEmpty else {
          throw ServiceError(
            .conflict,
            "\(copies.count) copies are at '\(name)', which could not be asked about any more.",
            remedy: "See them with: keyward export list --destination \(name)."
          )
        }
        try self.store { try transaction.deleteRecord(old.stored) }
        return Change(old.document) { state.inventory.remove(name) }
      }
    }
  }

  private static let mostDestinations = 1000

  func destination(
    _ name: RegistryName,
    _ state: UnsealedState
  ) throws(ServiceError) -> Destination {
    guard let destination = state.inventory.destination(name) else {
      throw ServiceError(
        .notFound,
        "There is no destination '\(name)'.",
        remedy: "List them with: keyward destination list."
      )
    }
    return destination
  }
}

extension Destination {
  var stored: StoredRecord {
    StoredRecord(kind: .destination, id: name.description, body: encoded)
  }
}
