package import KeywardModel

/// What a ciphertext is bound to: a canonical record with everything that gives it its meaning.
///
/// One factory a purpose, each with its own label, and no other way to make one: a ciphertext of
/// one purpose, key, version or store is refused everywhere else. The fields of each record are
/// listed in docs/formats/envelope.md.
package struct AssociatedData: Hashable, Sendable {
  /// The canonical record.
  package let record: [UInt8]

  private init(_ writer: RecordWriter) {
    record = writer.bytes
  }

  /// The private key that signs audit checkpoints, under the root key's `auditSigning` subkey.
  package static func auditSigningKey(store: StoreID, origin: String) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/audit-signing-key")
    record.add(store.bytes)
    record.add(origin)
    return AssociatedData(record)
  }

  /// One chunk of a backup; `isFinal` is set on the last one only, so that a cut is noticed.
  package static func backupChunk(
    backup: [UInt8],
    index: UInt64,
    isFinal: Bool
  ) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/backup-chunk")
    record.add(backup)
    record.add(index)
    record.add(UInt64(isFinal ? 1 : 0))
    return AssociatedData(record)
  }

  /// What a provider said for one export, under the root key's `exportParameters` subkey.
  package static func exportParameters(store: StoreID, export: ExportID) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/export-parameters")
    record.add(store.bytes)
    record.add(export.description)
    return AssociatedData(record)
  }

  /// The private half of a wrapping key for one import, under the root key's `importKeys` subkey.
  ///
  /// With the name that it serves and its end, so that neither can be changed.
  package static func importKey(
    store: StoreID,
    id: WrappingKeyID,
    name: KeyName,
    expiresAt: Timestamp
  ) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/import-key")
    record.add(store.bytes)
    record.add(id.description)
    record.add(name.description)
    record.add(expiresAt.milliseconds)
    return AssociatedData(record)
  }

  /// A ciphertext for kube-apiserver; `keyID` is the `key_id` that travels with it.
  package static func kms(
    store: StoreID,
    key: KeyID,
    version: UInt32,
    keyID: KMSKeyID
  ) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/kms")
    record.add(store.bytes)
    record.add(key.bytes)
    record.add(UInt64(version))
    record.add(keyID.description)
    return AssociatedData(record)
  }

  /// The material of one key version at rest, under a keyring term.
  package static func material(store: StoreID, _ context: MaterialContext) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/material")
    record.add(store.bytes)
    record.add(context.key.bytes)
    record.add(UInt64(context.version))
    record.add(context.type.rawValue)
    record.add(UInt64(context.neverExportable ? 1 : 0))
    return AssociatedData(record)
  }

  /// A ciphertext for a caller of encrypt; `context` is the caller's own associated data.
  package static func message(
    store: StoreID,
    key: KeyID,
    version: UInt32,
    context: [UInt8]
  ) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/message")
    record.add(store.bytes)
    record.add(key.bytes)
    record.add(UInt64(version))
    record.add(context)
    return AssociatedData(record)
  }

  /// The root key under a seal; `parameters` is the record of all that the seal states in public.
  package static func seal(parameters: [UInt8]) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/seal")
    record.add(parameters)
    return AssociatedData(record)
  }

  /// The values of one version of a secret at rest, one after the other, under a keyring term.
  ///
  /// With the names and lengths of the fields, so that what is cut out of the plaintext is what was
  /// put there under that name.
  package static func secret(store: StoreID, _ context: SecretContext) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/secret")
    record.add(store.bytes)
    record.add(context.id.description)
    record.add(context.path.environment.description)
    record.add(context.path.name.project)
    record.add(context.path.name.name)
    record.add(UInt64(context.version))
    for field in context.fields {
      record.add(field.name.description)
      record.add(UInt64(field.length))
    }
    return AssociatedData(record)
  }

  /// A keyring term under the root key.
  package static func term(
    store: StoreID,
    number: UInt32,
    createdAt: Timestamp
  ) -> AssociatedData {
    var record = RecordWriter("keyward/v1/aad/term")
    record.add(store.bytes)
    record.add(UInt64(number))
    record.add(createdAt.milliseconds)
    return AssociatedData(record)
  }
}

/// Which version of which secret some values belong to, and how they are cut.
package struct SecretContext: Sendable {
  package let id: SecretID
  package let path: SecretPath
  package let version: UInt32
  package let fields: [(name: FieldName, length: Int)]

  package init(
    id: SecretID,
    path: SecretPath,
    version: UInt32,
    fields: [(name: FieldName, length: Int)]
  ) {
    self.id = id
    self.path = path
    self.version = version
    self.fields = fields
  }

  /// The context of a version that was written.
  package init(_ secret: Secret, _ version: SecretVersion) {
    self.init(
      id: secret.id,
      path: secret.path,
      version: UInt32(clamping: version.number),
      fields: version.fields.map { ($0.name, $0.length) }
    )
  }
}

/// Which key version a piece of material belongs to, and what must not change about it.
///
/// `neverExportable` is part of it: material that was wrapped as never exportable does not open for
/// a row that says otherwise. Tightening it means wrapping the material again.
package struct MaterialContext: Hashable, Sendable {
  package let key: KeyID
  package let version: UInt32
  package let type: KeyType
  package let neverExportable: Bool

  package init(key: KeyID, version: UInt32, type: KeyType, neverExportable: Bool) {
    self.key = key
    self.version = version
    self.type = type
    self.neverExportable = neverExportable
  }
}
