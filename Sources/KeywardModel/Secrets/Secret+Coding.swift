/// The form in which the store keeps a secret: a record, read back strictly.
extension Secret {
  private static let label = "keyward/secret/1"

  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(id.description)
    writer.add(environment.description)
    writer.add(name.description)
    writer.add(kind.rawValue)
    writer.add(UInt64(metadata.count))
    for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
      writer.add(name)
      writer.add(value)
    }
    writer.add(UInt64(mostVersions))
    writer.add(createdAt.milliseconds)
    writer.add(UInt64(latest))
    writer.add(UInt64(versions.count))
    for version in versions { version.write(to: &writer) }
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote; nil for anything else.
  package init?(decoding bytes: [UInt8]) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      guard let id = SecretID(try reader.readText()),
        let environment = try? EnvironmentName(try reader.readText()),
        let name = try? SecretName(try reader.readText()),
        let kind = SecretKind(rawValue: try reader.readText())
      else { return nil }
      var metadata: [String: String] = [:]
      for _ in 0..<(try reader.readCount(SecretLimits.metadataMembers)) {
        let key = try reader.readText()
        metadata[key] = try reader.readText()
      }
      let most = try reader.readCount(SecretLimits.versions)
      let createdAt = try reader.readTime()
      let latest = try reader.readCount(Int(Int32.max))
      var versions: [SecretVersion] = []
      for _ in 0..<(try reader.readCount(SecretLimits.versions)) {
        guard let version = try SecretVersion(reading: &reader) else { return nil }
        guard version.number > versions.last?.number ?? 0, version.number <= latest else {
          return nil
        }
        versions.append(version)
      }
      try reader.finish()
      self.init(
        id: id,
        environment: environment,
        name: name,
        kind: kind,
        metadata: metadata,
        mostVersions: most,
        createdAt: createdAt,
        versions: versions,
        latest: latest
      )
    } catch {
      return nil
    }
  }
}

extension SecretVersion {
  fileprivate func write(to writer: inout RecordWriter) {
    writer.add(UInt64(number))
    writer.add(createdAt.milliseconds)
    writer.add(author)
    writer.add(origin.rawValue)
    writer.add(kind.rawValue)
    writer.add(expiresAt?.milliseconds)
    writer.add(deletedAt?.milliseconds)
    writer.add(destroyedAt?.milliseconds)
    writer.add(UInt64(fields.count))
    for field in fields {
      writer.add(field.name.description)
      writer.add(UInt64(field.length))
      writer.add(field.fingerprint)
    }
  }

  fileprivate init?(reading reader: inout RecordReader) throws(RecordReader.Failure) {
    let number = try reader.readCount(Int(Int32.max))
    let createdAt = try reader.readTime()
    let author = try reader.readText()
    guard let origin = Origin(rawValue: try reader.readText()),
      let kind = SecretKind(rawValue: try reader.readText())
    else { return nil }
    let expiresAt = try reader.readOptionalTime()
    let deletedAt = try reader.readOptionalTime()
    let destroyedAt = try reader.readOptionalTime()
    var fields: [Field] = []
    for _ in 0..<(try reader.readCount(SecretLimits.fields)) {
      let text = try reader.readText()
      guard let name = try? FieldName(text), fields.last.map({ $0.name < name }) ?? true else {
        return nil
      }
      let length = try reader.readCount(SecretLimits.fieldBytes)
      fields.append(
        Field(name: name, length: length, fingerprint: try reader.readBytes(limit: 16))
      )
    }
    self.init(
      number: number,
      createdAt: createdAt,
      author: author,
      origin: origin,
      kind: kind,
      fields: fields,
      expiresAt: expiresAt,
      deletedAt: deletedAt,
      destroyedAt: destroyedAt
    )
  }
}

extension RecordReader {
  /// A number of at most `most`.
  mutating func readCount(_ most: Int) throws(Failure) -> Int {
    let number = try readNumber()
    guard number <= UInt64(most) else { throw .wrongLength(offset: 0) }
    return Int(number)
  }

  mutating func readTime() throws(Failure) -> Timestamp {
    Timestamp(milliseconds: Int64(bitPattern: try readNumber()))
  }

  /// A time, or nil for an empty field.
  mutating func readOptionalTime() throws(Failure) -> Timestamp? {
    let field = try readBytes(limit: 8)
    if field.isEmpty { return nil }
    guard field.count == 8 else { throw .wrongLength(offset: 0) }
    let number = field.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Timestamp(milliseconds: Int64(bitPattern: number))
  }
}
