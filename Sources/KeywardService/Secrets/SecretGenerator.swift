import KeywardCrypto
import KeywardModel

/// Values that the server makes; characters are uniform, by throwing away what does not fit.
enum SecretGenerator {
  private static let most = 4096

  /// The fields that each generation makes; blocks for as long as a key pair takes.
  static func make(
    _ wanted: [PutSecretRequest.Generation]
  ) throws(ServiceError) -> [(FieldName, SecretBox)] {
    var made: [(FieldName, SecretBox)] = []
    for generation in wanted {
      let field = try WireText.fieldName(generation.field)
      do throws(CryptoError) {
        if let algorithm = generation.form.algorithm {
          guard generation.length == nil else {
            throw .invalidInput("a key pair has no length")
          }
          let pair = try PrivateKey.generate(algorithm)
          made.append((field, SecretBox(try SecretPEM.encode("PRIVATE KEY", try pair.pkcs8()))))
          let spki = try SecretBytes.fixture(try pair.publicKey().spki())
          let publicField = try publicName(field)
          made.append((publicField, SecretBox(try SecretPEM.encode("PUBLIC KEY", spki))))
          continue
        }
        let length = generation.length ?? 32
        guard (1...most).contains(length) else {
          throw .invalidInput("a generated value has 1 to \(most) characters")
        }
        made.append((field, SecretBox(try text(length, generation.form.alphabet))))
      } catch {
        throw ServiceError(error)
      }
    }
    return made
  }

  private static func publicName(_ field: FieldName) throws(CryptoError) -> FieldName {
    do { return try FieldName(field.description + ".pub") } catch {
      throw .invalidInput("the name of the field is too long for a key pair")
    }
  }

  /// `length` characters of `alphabet`, which has at most 256; nil means any bytes.
  private static func text(_ length: Int, _ alphabet: [UInt8]?) throws(CryptoError) -> SecretBytes {
    guard let alphabet else { return try SecretBytes.random(count: length) }
    var result = try SecretBytes(count: length)
    // The largest multiple of the alphabet's size: above it the first characters were likelier.
    let bound = 256 / alphabet.count * alphabet.count
    var filled = 0
    while filled < length {
      let random = try SecretBytes.random(count: 256)
      let start = filled
      filled = result.withUnsafeMutableBytes { target in
        random.withUnsafeBytes { source in
          var next = start
          for byte in source where Int(byte) < bound && next < length {
            target[next] = alphabet[Int(byte) % alphabet.count]
            next += 1
          }
          return next
        }
      }
    }
    return result
  }
}

extension PutSecretRequest.Generation.Form {
  fileprivate var algorithm: AsymmetricAlgorithm? {
    switch self {
    case .ed25519: .ed25519
    case .ecP256: .p256
    case .ecP384: .p384
    case .rsa3072: .rsa(bits: 3072)
    case .rsa4096: .rsa(bits: 4096)
    case .alphanumeric, .digits, .hex, .base64url, .printable, .bytes: nil
    }
  }

  fileprivate var alphabet: [UInt8]? {
    let digits = Array("0123456789".utf8)
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    return switch self {
    case .alphanumeric: letters + digits
    case .digits: digits
    case .hex: digits + Array("abcdef".utf8)
    case .base64url: letters + digits + Array("-_".utf8)
    case .printable: Array(33...126)
    case .bytes, .ed25519, .ecP256, .ecP384, .rsa3072, .rsa4096: nil
    }
  }
}
