/// Reads the API's text values into the model's types; each error names the field.
package enum WireText {
  package static func keyName(_ text: String) throws(ServiceError) -> KeyName {
    do {
      return try KeyName(text)
    } catch {
      throw ServiceError(
        .invalidRequest,
        "The key name \(error.reason) (at byte \(error.position)).",
        remedy: "Use segments of a-z, A-Z, 0-9, '.', '_' and '-' joined by '/', as 'etcd/prod-eu'."
      )
    }
  }

  package static func keyType(_ text: String) throws(ServiceError) -> KeyType {
    guard let type = KeyType(rawValue: text) else {
      let known = KeyType.allCases.map(\.rawValue).joined(separator: ", ")
      throw ServiceError(
        .invalidRequest,
        "The key type is unknown.",
        remedy: "Use one of: \(known)."
      )
    }
    return type
  }

  package static func state(_ text: String) throws(ServiceError) -> KeyState {
    guard let state = KeyState(rawValue: text) else {
      let known = KeyState.allCases.map(\.rawValue).joined(separator: ", ")
      throw ServiceError(.invalidRequest, "The state is unknown.", remedy: "Use one of: \(known).")
    }
    return state
  }

  /// A set of operations that a key of `type` can do; none twice.
  package static func operations(
    _ names: [String],
    of type: KeyType
  ) throws(ServiceError) -> KeyOperations {
    var set: KeyOperations = []
    for name in names {
      guard let operation = KeyOperation(rawValue: name) else {
        let known = KeyOperation.allCases.map(\.rawValue).joined(separator: ", ")
        throw ServiceError(
          .invalidRequest,
          "'operations' names an unknown operation.",
          remedy: "Use some of: \(known)."
        )
      }
      guard !set.contains(operation) else {
        throw ServiceError(.invalidRequest, "'operations' names '\(operation.rawValue)' twice.")
      }
      guard type.possibleOperations.contains(operation) else {
        throw ServiceError(
          .keyUsage,
          "A key of type \(type.rawValue) cannot \(operation.rawValue).",
          remedy: "It can: \(type.possibleOperations.text)."
        )
      }
      set.formUnion(KeyOperations(operation))
    }
    return set
  }

  /// At most 32 destinations of 1 to 128 printable ASCII characters, none twice.
  package static func destinations(_ names: [String]) throws(ServiceError) -> Set<String> {
    guard names.count <= 32 else {
      throw ServiceError(.invalidRequest, "'allowed_destinations' has more than 32 members.")
    }
    var set: Set<String> = []
    for name in names {
      guard (1...128).contains(name.utf8.count), name.utf8.allSatisfy({ (33...126).contains($0) })
      else {
        throw ServiceError(
          .invalidRequest,
          "'allowed_destinations' has a member that is not 1 to 128 printable ASCII characters."
        )
      }
      guard set.insert(name).inserted else {
        throw ServiceError(.invalidRequest, "'allowed_destinations' has a member twice.")
      }
    }
    return set
  }
}

extension WireText {
  package static func secretName(_ text: String) throws(ServiceError) -> SecretName {
    do {
      return try SecretName(text)
    } catch {
      throw ServiceError(
        .invalidRequest,
        "The name of the secret is not one: \(error.sentence).",
        remedy: "Write it as project/name, of a-z, 0-9, '.', '_' and '-'."
      )
    }
  }

  package static func fieldName(_ text: String) throws(ServiceError) -> FieldName {
    do {
      return try FieldName(text)
    } catch {
      throw ServiceError(
        .invalidRequest,
        "The name of the field is not one: \(error.sentence).",
        remedy: "Use 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'."
      )
    }
  }

  package static func environmentName(_ text: String) throws(ServiceError) -> EnvironmentName {
    do {
      return try EnvironmentName(text)
    } catch {
      throw ServiceError(
        .invalidRequest,
        "The name of the environment is not one: \(error.sentence).",
        remedy: "Use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit."
      )
    }
  }

  /// Custom metadata within its limits.
  package static func metadata(_ members: [String: String]) throws(ServiceError) {
    guard members.count <= SecretLimits.metadataMembers else {
      throw ServiceError(
        .limitExceeded,
        "'metadata' has more than \(SecretLimits.metadataMembers) members."
      )
    }
    for (name, value) in members {
      guard (1...SecretLimits.metadataNameBytes).contains(name.utf8.count),
        value.utf8.count <= SecretLimits.metadataValueBytes
      else {
        throw ServiceError(.limitExceeded, "'metadata' has a name or value that is too long.")
      }
    }
  }
}
