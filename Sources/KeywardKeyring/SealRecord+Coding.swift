import KeywardModel

/// The stored form of a seal record: a canonical record, labelled `keyward/v1/seal`.
///
/// Fields after the label: the parameters (see `writeParameters`), then the wrapped root key. A
/// reader takes exactly what this writer makes, at most 8 KiB.
extension SealRecord {
  static let label = "keyward/v1/seal"
  static let maximumLength = 8192

  /// The stored form.
  package var encoded: [UInt8] {
    var record = RecordWriter(SealRecord.label)
    writeParameters(to: &record)
    record.add(wrappedRootKey)
    return record.bytes
  }

  /// Reads the stored form, strictly.
  ///
  /// - Throws: `malformedRecord`, `unsupportedVersion` for another label of this family. What it
  ///   accepts is authenticated only once the seal opens.
  package init(decoding bytes: [UInt8]) throws(KeyringError) {
    guard bytes.count <= SealRecord.maximumLength else {
      throw .malformedRecord("a seal record longer than \(SealRecord.maximumLength) bytes")
    }
    do {
      self = try SealRecord.read(bytes)
    } catch {
      switch error {
      case .keyring(let error): throw error
      case .record(.wrongLabel): throw .unsupportedVersion("The seal record")
      case .record: throw .malformedRecord("seal record")
      }
    }
    // One spelling only: whatever the reader lets pass must be what the writer makes.
    guard encoded == bytes else { throw .malformedRecord("seal record is not canonical") }
  }

  /// Store id, kind, three numbers and a text that depend on the kind, salt, check value, and the
  /// share checks joined.
  ///
  /// The numbers and the text: shamir and recovery have threshold, count, 0 and the set id in
  /// hexadecimal; passphrase has logN, r, p and no text; a credential has zeros and its name; a key
  /// file has zeros and no text.
  func writeParameters(to record: inout RecordWriter) {
    var numbers: [UInt64] = [0, 0, 0]
    var text = ""
    switch kind {
    case .keyFile: break
    case .passphrase(let cost): numbers = [UInt64(cost.logN), UInt64(cost.r), UInt64(cost.p)]
    case .recovery(let set), .shamir(let set):
      numbers = [UInt64(set.threshold), UInt64(set.count), 0]
      text = set.id.description
    case .systemdCredential(let name): text = name
    }
    record.add(store.bytes)
    record.add(kind.name)
    for number in numbers { record.add(number) }
    record.add(text)
    record.add(salt)
    record.add(checkValue)
    record.add(shareChecks.flatMap { $0 })
  }

  private enum ReadFailure: Error {
    case keyring(KeyringError)
    case record(RecordReader.Failure)
  }

  private static func read(_ bytes: [UInt8]) throws(ReadFailure) -> SealRecord {
    var fields: Fields
    do { fields = try Fields(bytes) } catch { throw .record(error) }
    do throws(KeyringError) {
      let kind = try fields.kind()
      let checks = try fields.splitChecks(kind.shareSet.map { Int($0.count) } ?? 0)
      guard let store = StoreID(fields.store), fields.salt.count == saltLength,
        fields.checkValue.count == 8,
        fields.wrapped.count == Envelope.overhead + RootKey.length
      else { throw .malformedRecord("seal record has a field of a wrong length") }
      return SealRecord(
        store: store,
        kind: kind,
        salt: fields.salt,
        checkValue: fields.checkValue,
        shareChecks: checks,
        wrappedRootKey: fields.wrapped
      )
    } catch {
      throw .keyring(error)
    }
  }
}

/// The fields of a seal record as they stand in the bytes.
private struct Fields {
  let store: [UInt8]
  let kindName: String
  let numbers: [UInt64]
  let text: String
  let salt: [UInt8]
  let checkValue: [UInt8]
  let checks: [UInt8]
  let wrapped: [UInt8]

  init(_ bytes: [UInt8]) throws(RecordReader.Failure) {
    var reader = try RecordReader(bytes, label: SealRecord.label)
    store = try reader.readBytes(limit: 16)
    kindName = try reader.readText(limit: 32)
    numbers = [try reader.readNumber(), try reader.readNumber(), try reader.readNumber()]
    text = try reader.readText(limit: 64)
    salt = try reader.readBytes(limit: 64)
    checkValue = try reader.readBytes(limit: 8)
    checks = try reader.readBytes(limit: 255 * Share.checkLength)
    wrapped = try reader.readBytes(limit: 128)
    try reader.finish()
  }

  func kind() throws(KeyringError) -> SealKind {
    switch kindName {
    case "key-file": return .keyFile
    case "passphrase":
      return .passphrase(
        try ScryptParameters(
          logN: Int(clamping: numbers[0]),
          r: Int(clamping: numbers[1]),
          p: Int(clamping: numbers[2])
        )
      )
    case "recovery": return .recovery(try shareSet())
    case "shamir": return .shamir(try shareSet())
    case "systemd-credential":
      guard SealRecord.isCredentialName(text) else {
        throw .malformedRecord("seal record names no credential")
      }
      return .systemdCredential(name: text)
    default: throw .unsupportedVersion("The seal record")
    }
  }

  func splitChecks(_ count: Int) throws(KeyringError) -> [[UInt8]] {
    guard checks.count == count * Share.checkLength else {
      throw .malformedRecord("seal record has another number of share checks than shares")
    }
    return stride(from: 0, to: checks.count, by: Share.checkLength).map {
      Array(checks[$0..<$0 + Share.checkLength])
    }
  }

  private func shareSet() throws(KeyringError) -> ShareSet {
    guard let bytes = Hex.decode(text), let id = ShareSetID(bytes) else {
      throw .malformedRecord("seal record names no share set")
    }
    return try ShareSet(
      id: id,
      threshold: Int(clamping: numbers[0]),
      count: Int(clamping: numbers[1])
    )
  }
}
