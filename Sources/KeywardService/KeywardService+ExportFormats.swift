import KeywardAudit
package import KeywardCrypto
import KeywardExport
package import KeywardModel
import KeywardStore

/// Handing a key over in a format that is no cloud's: plain export, whatever wraps it.
extension KeywardService {
  /// The key in a format; `input` is what wraps it, a public key or a password, or empty.
  ///
  /// It takes `key:export`, and a key whose operations have `export`; it is a record of the inventory
  /// like any other, since the copy is one.
  package func exportKey(
    _ caller: Caller,
    name: KeyName,
    _ request: ExportKeyRequest,
    input: SecretBox
  ) async throws(ServiceError) -> KeyAnswer<SecretBox> {
    let made = await prepared(caller, .keyExport, .key(name)) {
      () throws(ServiceError) -> (Key, KeyVersion, FormattedKey) in
      let state = try self.unsealed()
      let key = try self.find(name, in: state)
      guard !key.attributes.neverExportable else { throw .neverExportable(name) }
      let version = try self.choose(key, request.version, for: .export)
      let material = try ExportCraft.material(key, version, state)
      return (
        key, version, try ExportCraft.formatted(material, key, version, request.format, input)
      )
    }
    return try await awaiting { reply in
      self.change(caller, .keyExport, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let (key, version, formatted) = try made.get()
        record.used(key, version)
        guard let now = state.directory.key(named: name), now.id == key.id,
          now.attributes == key.attributes, now.version(version.number)?.state == version.state
        else {
          throw ServiceError(.conflict, "The key was changed meanwhile.", remedy: "Try again.")
        }
        guard state.inventory.hasRoom else {
          throw ServiceError(.limitExceeded, "The inventory has \(Inventory.most) exports.")
        }
        var export = ExportRecord(
          id: try self.newIdentifier(),
          key: key.id,
          keyName: key.name,
          version: version.number,
          destination: Destination.file,
          destinationDigest: [],
          provider: request.format.rawValue,
          mode: .file,
          provenance: formatted.wrappingKey.isEmpty ? nil : .supplied,
          plan: ExportPlan(keySpec: key.type.rawValue, algorithm: formatted.algorithm),
          fingerprint: formatted.wrappingKey.isEmpty ? [] : Digest.sha256(formatted.wrappingKey),
          wrappingKeyBits: nil,
          requester: caller.principal,
          createdAt: record.time,
          parametersValidUntil: nil,
          sealedParameters: []
        )
        try export.send(
          // The digest of what anyone could read would tell whether a guess of the key is right.
          blobSHA256: formatted.isWrapped ? Digest.sha256([], then: formatted.body.bytes) : [],
          approval: record.approval,
          approvers: self.approvers(record, state),
          at: record.time
        )
        let sent = export
        record.details = [
          .export(AuditWord(sent.id.description)),
          .destination(AuditWord(sent.destination)),
          .wrapping(
            algorithm: AuditWord(sent.plan.algorithm),
            key: AuditDigest(sent.fingerprint)
          ),
          .blob(AuditDigest(sent.blobSHA256)),
        ]
        try self.store { try transaction.insertRecord(sent.stored) }
        return Change(KeyAnswer(formatted.body, version: version.number)) {
          state.inventory.put(sent)
        }
      }
    }
  }
}

/// A key in a format.
struct FormattedKey: Sendable {
  let body: SecretBox
  /// What wraps it, as `RSA-OAEP-256+A256GCM`; `none` for what is in the clear.
  let algorithm: String
  /// The SubjectPublicKeyInfo of the key that wraps it; empty for a password or nothing.
  let wrappingKey: [UInt8]
  let isWrapped: Bool

  init(body: SecretBox, algorithm: String, wrappingKey: [UInt8], isWrapped: Bool) {
    self.body = body
    self.algorithm = algorithm
    self.wrappingKey = wrappingKey
    self.isWrapped = isWrapped
  }

  /// One that whoever has the file can read.
  init(clear body: SecretBox) {
    self.init(body: body, algorithm: "none", wrappingKey: [], isWrapped: false)
  }
}
