package import KeywardModel

/// The records that say who is who, all kinds in one form.
extension KeywardClient {
  package func listRecords(
    _ kind: RegistryKind,
    limit: Int,
    cursor: String?
  ) throws(ClientError) -> RegistryPage {
    try get(Query(path(kind)).adding("limit", limit).adding("cursor", cursor))
  }

  package func record<Document: WireRequest>(
    _ kind: RegistryKind,
    _ name: RegistryName
  ) throws(ClientError) -> Document {
    try get(Query("\(path(kind))/\(name)"))
  }

  package func writeRecord<Document: WireRequest & Encodable>(
    _ kind: RegistryKind,
    _ name: RegistryName,
    _ document: Document
  ) throws(ClientError) -> Document {
    try post(Query("\(path(kind))/\(name):write"), json: document)
  }

  package func deleteRecord(
    _ kind: RegistryKind,
    _ name: RegistryName
  ) throws(ClientError) -> RegistryPage {
    try post(Query("\(path(kind))/\(name):delete"))
  }

  package func createSecretID(
    _ role: RegistryName,
    networks: [String]
  ) throws(ClientError) -> IssuedSecretID {
    let list = networks.isEmpty ? nil : networks.joined(separator: ",")
    return try post(Query("\(path(.roles))/\(role):secret-id").adding("networks", list))
  }

  package func listSecretIDs(_ role: RegistryName) throws(ClientError) -> SecretIDPage {
    try get(Query("\(path(.roles))/\(role):secret-ids"))
  }

  package func revokeSecretID(
    _ role: RegistryName,
    accessor: String
  ) throws(ClientError) -> SecretIDInfo {
    try post(Query("\(path(.roles))/\(role):revoke-secret-id").adding("accessor", accessor))
  }

  private func path(_ kind: RegistryKind) -> String { "/api/v1/auth/\(kind.rawValue)" }
}
