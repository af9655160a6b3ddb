package import KeywardModel

extension TokenRecord {
  private static let label = "keyward/token/1"

  /// The form that the API shows.
  package var info: TokenInfo {
    TokenInfo(
      accessor: accessor.description,
      principal: PrincipalInfo(principal),
      createdAt: createdAt.rfc3339,
      expiresAt: expiresAt.rfc3339,
      maximumExpiresAt: maximumExpiresAt.rfc3339,
      renewable: terms.isRenewable,
      usesLeft: usesLeft,
      networks: terms.networks.map(\.description),
      certificateSHA256: certificateSHA256.map { Hex.encode($0) }
    )
  }

  /// The form that the store keeps.
  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(accessor.description)
    writer.add(digest.bytes)
    writer.add(principal: principal)
    writer.add(terms.ttl)
    writer.add(terms.maximumTTL)
    writer.add(terms.uses)
    writer.add(flag: terms.isRenewable)
    writer.add(list: terms.networks.map(\.description))
    writer.add(createdAt.milliseconds)
    writer.add(expiresAt.milliseconds)
    writer.add(maximumExpiresAt.milliseconds)
    writer.add(usesLeft)
    writer.add(blobs: certificateSHA256.map { [$0] } ?? [])
    writer.add(optional: parent?.description)
    writer.add(flag: isRevoked)
    writer.add(latest.milliseconds)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote.
  package init(decoding bytes: [UInt8]) throws(AuthnError) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      guard let accessor = Accessor(try reader.readText()),
        let digest = CredentialDigest(stored: try reader.readBytes())
      else { throw AuthnError.damaged("token") }
      let principal = try reader.readPrincipal()
      let terms = try Terms(
        ttl: reader.readSigned(),
        maximumTTL: reader.readSigned(),
        uses: reader.readOptionalSigned(),
        isRenewable: reader.readFlag(),
        networks: reader.readNetworks()
      )
      try self.init(
        accessor: accessor,
        digest: digest,
        principal: principal,
        terms: terms,
        createdAt: reader.readTimestamp(),
        expiresAt: reader.readTimestamp(),
        maximumExpiresAt: reader.readTimestamp(),
        usesLeft: reader.readOptionalSigned(),
        certificateSHA256: reader.readBlobs(limit: 1).first,
        parent: reader.readOptionalText().map { text throws(AuthnError) in
          guard let parent = Accessor(text) else { throw AuthnError.damaged("token") }
          return parent
        },
        isRevoked: reader.readFlag(),
        latest: reader.readTimestamp()
      )
      try reader.finish()
    } catch {
      throw .damaged("token")
    }
  }
}
