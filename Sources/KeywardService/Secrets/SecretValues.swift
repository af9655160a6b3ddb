import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// The opened values of one version of a secret: one run of bytes in the arena, cut by the fields.
///
/// The context that the envelope is bound to has the names and lengths, so a cut cannot be moved.
struct SecretValues: Sendable {
  private let bytes: SecretBox
  private let places: [FieldName: Range<Int>]

  init(
    opening entry: SecretBook.Entry,
    _ version: SecretVersion,
    _ keyring: Keyring
  ) throws(ServiceError) {
    guard let envelope = entry.envelopes[version.number] else {
      throw .damagedSecret(entry.secret.path, version.number)
    }
    let values: SecretBytes
    do {
      values = try keyring.unwrapSecret(envelope, SecretContext(entry.secret, version))
    } catch KeyringError.crypto(let error) {
      throw ServiceError(error)
    } catch {
      throw .damagedSecret(entry.secret.path, version.number)
    }
    var places: [FieldName: Range<Int>] = [:]
    var offset = 0
    for field in version.fields {
      places[field.name] = offset..<offset + field.length
      offset += field.length
    }
    guard offset == values.count else { throw .damagedSecret(entry.secret.path, version.number) }
    bytes = SecretBox(values)
    self.places = places
  }

  func value(_ field: FieldName) throws(ServiceError) -> SecretBox {
    guard let place = places[field] else {
      throw ServiceError(.internalError, "A field has no place among the values.")
    }
    do throws(CryptoError) {
      return SecretBox(try SecretBytes(copying: bytes.bytes, range: place))
    } catch {
      throw ServiceError(error)
    }
  }
}

/// The values that a write puts into a version, by field.
struct SecretDraft: Sendable {
  private(set) var values: [FieldName: SecretBox] = [:]

  init(_ values: [FieldName: SecretBox] = [:]) {
    self.values = values
  }

  mutating func put(_ name: FieldName, _ value: SecretBox) throws(ServiceError) {
    guard values.updateValue(value, forKey: name) == nil else {
      throw ServiceError(.invalidRequest, "The field '\(name)' is given twice.")
    }
  }

  /// Takes the fields of `old` that are not in it.
  mutating func merge(_ old: SecretVersion, _ opened: SecretValues) throws(ServiceError) {
    for field in old.fields where values[field.name] == nil {
      values[field.name] = try opened.value(field.name)
    }
  }

  var names: [FieldName] { values.keys.sorted() }

  func checkLimits() throws(ServiceError) {
    guard !values.isEmpty else {
      throw ServiceError(.invalidRequest, "A version of a secret has at least one field.")
    }
    guard values.count <= SecretLimits.fields else {
      throw ServiceError(
        .limitExceeded,
        "A version of a secret has at most \(SecretLimits.fields) fields."
      )
    }
    var total = 0
    for (name, value) in values {
      guard value.bytes.count <= SecretLimits.fieldBytes else {
        throw ServiceError(
          .limitExceeded,
          "The field '\(name)' has more than \(SecretLimits.fieldBytes) bytes."
        )
      }
      total += value.bytes.count
    }
    guard total <= SecretLimits.versionBytes else {
      throw ServiceError(
        .limitExceeded,
        "A version of a secret has at most \(SecretLimits.versionBytes) bytes."
      )
    }
  }

  /// The fields in the order of their names, each with the fingerprint of its value.
  func fields(_ path: SecretPath, _ key: HMACKey) throws(ServiceError) -> [SecretVersion.Field] {
    var fields: [SecretVersion.Field] = []
    for name in names {
      guard let value = values[name] else { continue }
      // With the path: equal values of two secrets or environments must not be seen to be equal.
      var record = RecordWriter("keyward/v1/secret-fingerprint")
      record.add(path.description)
      record.add(name.description)
      do throws(CryptoError) {
        let mac = try key.authenticate(
          record.bytes,
          then: value.bytes,
          range: 0..<value.bytes.count
        )
        fields.append(
          SecretVersion.Field(
            name: name,
            length: value.bytes.count,
            fingerprint: Array(mac.prefix(16))
          )
        )
      } catch {
        throw ServiceError(error)
      }
    }
    return fields
  }

  /// All values in the order of the names, as one run of bytes.
  func joined() throws(CryptoError) -> SecretBytes {
    let total = values.values.reduce(0) { $0 + $1.bytes.count }
    var joined = try SecretBytes(count: total)
    var offset = 0
    for name in names {
      guard let value = values[name] else { continue }
      joined.withUnsafeMutableBytes { target in
        value.bytes.withUnsafeBytes { source in
          UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: source)
        }
      }
      offset += value.bytes.count
    }
    return joined
  }
}

extension ServiceError {
  static func damagedSecret(_ path: SecretPath, _ version: Int) -> ServiceError {
    ServiceError(
      .tampered,
      "The stored values of '\(path)' version \(version) do not open.",
      remedy: "Run keyward fsck, then restore from a backup."
    )
  }
}
