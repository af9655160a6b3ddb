package import KeywardModel

/// A cluster: the issuers and authorities that vouch for what is in it.
///
/// One record is all that a new cluster takes: its issuers and authorities bear names that policy
/// knows from other clusters, and `cluster` becomes an attribute that nobody can claim.
package struct ClusterRecord: Hashable, Sendable {
  package let name: RegistryName
  /// The environment of its identities where the issuer or authority has none of its own.
  package let environment: String?
  package let issuers: [IssuerRecord]
  package let authorities: [AuthorityRecord]

  /// Checks what the API was given; `path` is the name in the path of the request.
  package init(_ document: ClusterDocument, path: RegistryName? = nil) throws(AuthnError) {
    name = try FieldRules.name(document.name, path: path)
    environment = try FieldRules.environment(document.environment)
    let issuers = document.issuers ?? []
    let authorities = document.authorities ?? []
    guard (1...16).contains(issuers.count + authorities.count) else {
      throw AuthnError("A cluster needs 1 to 16 'issuers' and 'authorities' together.")
    }
    var readIssuers: [IssuerRecord] = []
    for (index, issuer) in issuers.enumerated() {
      do {
        readIssuers.append(try IssuerRecord(issuer))
      } catch {
        throw AuthnError("In 'issuers[\(index)]': \(error.message)", remedy: error.remedy)
      }
    }
    var readAuthorities: [AuthorityRecord] = []
    for (index, authority) in authorities.enumerated() {
      do {
        readAuthorities.append(try AuthorityRecord(authority))
      } catch {
        throw AuthnError("In 'authorities[\(index)]': \(error.message)", remedy: error.remedy)
      }
    }
    self.issuers = readIssuers
    self.authorities = readAuthorities
  }

  /// The form that the API shows.
  package var document: ClusterDocument {
    ClusterDocument(
      name: name.description,
      environment: environment,
      issuers: issuers.map(\.document),
      authorities: authorities.map(\.document)
    )
  }

  private static let label = "keyward/cluster/1"

  /// The form that the store keeps.
  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(name.description)
    writer.add(optional: environment)
    writer.add(blobs: issuers.map(\.encoded))
    writer.add(blobs: authorities.map(\.encoded))
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote.
  package init(decoding bytes: [UInt8]) throws(AuthnError) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      name = try reader.readRegistryName()
      environment = try reader.readOptionalText()
      issuers = try reader.readBlobs(limit: 16).map { try IssuerRecord(decoding: $0) }
      authorities = try reader.readBlobs(limit: 16).map { try AuthorityRecord(decoding: $0) }
      try reader.finish()
    } catch {
      throw .damaged("cluster")
    }
  }
}
