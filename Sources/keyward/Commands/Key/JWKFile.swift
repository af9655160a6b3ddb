import KeywardCrypto
import KeywardExport
import KeywardModel

/// A JWK on its way in: read here, so that the server sees raw bytes or PKCS#8 as ever.
struct JWKFile {
  let material: SecretBox
  private let ownType: KeyType?
  private let purpose: JWK.Purpose

  init(_ text: SecretBox) throws {
    do throws(ExportRefusal) {
      let content = try JWK.read(text.bytes)
      ownType = content.type
      purpose = content.purpose
      material = content.material
    } catch {
      throw CommandFailure(.usage, error.words, remedy: error.remedy)
    }
  }

  var form: ImportRequest.Format { ownType == nil ? .raw : .pkcs8 }

  /// Whether it says what it is for.
  var isPurposeStated: Bool { purpose.isStated }

  /// The type of the new key: what is asked for, which the file must not contradict, or what it says.
  func type(_ wanted: String?) throws -> KeyType {
    let wanted = try wanted.map { try WireText.keyType($0) }
    guard let type = wanted ?? ownType ?? purpose.symmetricType else {
      throw CommandFailure(
        .usage,
        "The JWK does not say what its bytes are for.",
        remedy: "Give --type, as aes-256 or hmac-sha256."
      )
    }
    guard ownType == nil ? !type.isKeyPair : type == ownType else {
      throw CommandFailure(
        .usage,
        "The JWK holds \(ownType?.rawValue ?? "a symmetric key"), not \(type.rawValue)."
      )
    }
    return type
  }

  /// Refuses a key that would do what the file says that it is not for.
  func check(_ newKey: CreateKeyRequest?, _ existing: KeyInfo?) throws {
    var wanted: (type: KeyType, operations: KeyOperations)?
    if let existing {
      wanted = (existing.type, existing.operations.reduce([]) { $0.union(KeyOperations($1)) })
    } else if let newKey {
      let (_, type, attributes) = try newKey.parsed()
      wanted = (type, attributes.operations)
    }
    guard let wanted else { return }
    do throws(ExportRefusal) {
      try purpose.check(wanted.type, wanted.operations)
    } catch {
      throw CommandFailure(
        .usage,
        error.words,
        remedy: "Name what the key is for with --operations, or correct the file."
      )
    }
  }
}
