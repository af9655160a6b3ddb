package import KeywardCrypto
import KeywardModel

/// The public keys of an issuer (RFC 7517 §5), parsed and checked once.
package struct JSONWebKeySet: Sendable {
  /// Why a set is not taken; the words follow "The key set" and hold nothing of it.
  package struct Failure: Error, Hashable, Sendable {
    package let reason: String
  }

  /// One key that can verify.
  package struct Key: Sendable {
    /// Nil when the set gives it none.
    package let id: String?
    /// The one algorithm that the set names for it; nil for all that fit its type.
    package let algorithm: JWSAlgorithm?
    package let publicKey: PublicKey
    /// SHA-256 of its SubjectPublicKeyInfo, by which two sets can be seen to share a key.
    package let fingerprint: [UInt8]

    /// Whether a token that says `algorithm` may be verified with this key.
    ///
    /// The key decides: the header of a token only has to agree.
    func takes(_ algorithm: JWSAlgorithm) -> Bool {
      algorithm.fits(publicKey.algorithm) && (self.algorithm ?? algorithm) == algorithm
    }
  }

  package static let longest = 262_144
  package static let mostKeys = 64

  /// Never empty.
  package let keys: [Key]

  /// Reads a set.
  ///
  /// Keys of a type, curve, use or algorithm that is not for verifying here are passed over. Refused:
  /// anything private or symmetric in it, a key that breaks a rule (RSA below 2048 bits, a point off
  /// its curve, an algorithm that does not fit), a `kid` twice, and no key that is left.
  package init(_ bytes: [UInt8]) throws(Failure) {
    guard bytes.count <= Self.longest else { throw Failure(reason: "is longer than 256 KiB") }
    let object: JSONObject
    do {
      object = try StrictJSON.object(bytes)
    } catch {
      throw Failure(reason: "\(error.reason) at byte \(error.offset)")
    }
    guard case .array(let members) = object["keys"] else {
      throw Failure(reason: "has no list 'keys'")
    }
    guard members.count <= Self.mostKeys else {
      throw Failure(reason: "has more than \(Self.mostKeys) keys")
    }
    var keys: [Key] = []
    for (index, member) in members.enumerated() {
      guard case .object(let fields) = member else {
        throw Failure(reason: "has a member 'keys[\(index)]' that is not an object")
      }
      do {
        if let key = try Self.key(fields) { keys.append(key) }
      } catch {
        throw Failure(reason: "has a key 'keys[\(index)]' that \(error.reason)")
      }
    }
    guard !keys.isEmpty else { throw Failure(reason: "has no key that can verify signatures") }
    guard keys.allSatisfy({ $0.id != nil }) || keys.count == 1 else {
      throw Failure(reason: "has several keys, and one of them without 'kid'")
    }
    for (index, key) in keys.enumerated() {
      guard let id = key.id else { continue }
      guard !keys[..<index].contains(where: { FieldRules.isSame($0.id ?? "", id) }) else {
        throw Failure(reason: "has two keys with one 'kid'")
      }
    }
    self.keys = keys
  }

  /// The key with this `kid`; without one, the only key of the set.
  func key(_ id: String?) -> Key? {
    guard let id else { return keys.count == 1 ? keys[0] : nil }
    return keys.first { key in key.id.map { FieldRules.isSame($0, id) } ?? false }
  }

  /// One member of the set; nil if it is to be passed over.
  private static func key(_ fields: JSONObject) throws(Failure) -> Key? {
    guard let type = fields["kty"]?.text else { throw Failure(reason: "has no 'kty'") }
    // A secret in what everybody can read is no secret, and a key of whoever made that mistake is not
    // to be trusted.
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] where fields[name] != nil {
      throw Failure(reason: "is not a public key: it has '\(name)'")
    }
    guard ["RSA", "EC", "OKP"].contains(type) else { return nil }
    if let use = fields["use"] {
      guard let text = use.text else { throw Failure(reason: "has a 'use' that is not text") }
      guard text == "sig" else { return nil }
    }
    if let operations = fields["key_ops"] {
      guard case .array(let list) = operations else {
        throw Failure(reason: "has 'key_ops' that are not a list")
      }
      guard list.contains(where: { $0.text == "verify" }) else { return nil }
    }
    var algorithm: JWSAlgorithm?
    if let named = fields["alg"] {
      guard let text = named.text else { throw Failure(reason: "has an 'alg' that is not text") }
      guard let known = JWSAlgorithm(rawValue: text) else { return nil }
      algorithm = known
    }
    guard let publicKey = try publicKey(type, fields) else { return nil }
    if let algorithm, !algorithm.fits(publicKey.algorithm) {
      throw Failure(reason: "has an 'alg' that is not for keys of its type")
    }
    return Key(
      id: try identifier(fields["kid"]),
      algorithm: algorithm,
      publicKey: publicKey,
      fingerprint: try fingerprint(publicKey)
    )
  }

  private static func identifier(_ value: JSONValue?) throws(Failure) -> String? {
    guard let value else { return nil }
    guard let text = value.text, CompactJWS.isKeyID(text) else {
      throw Failure(reason: "has a 'kid' that is not 1 to 256 bytes of plain text")
    }
    return text
  }

  private static func publicKey(
    _ type: String,
    _ fields: JSONObject
  ) throws(Failure) -> PublicKey? {
    do {
      switch type {
      case "RSA":
        return try PublicKey(
          rsaModulus: number(fields, "n"),
          exponent: number(fields, "e")
        )
      case "EC":
        let curves: [String: AsymmetricAlgorithm] = [
          "P-256": .p256, "P-384": .p384, "P-521": .p521,
        ]
        guard let curve = curves[try text(fields, "crv")] else { return nil }
        let length = curve.fieldLength ?? 0
        let x = try number(fields, "x")
        let y = try number(fields, "y")
        guard x.count == length, y.count == length else {
          throw Failure(reason: "has a coordinate of a wrong length")
        }
        return try PublicKey(raw: [4] + x + y, curve)
      default:
        guard try text(fields, "crv") == "Ed25519" else { return nil }
        let x = try number(fields, "x")
        return try PublicKey(raw: x, .ed25519)
      }
    } catch let error as Failure {
      throw error
    } catch CryptoError.invalidKey(let words) {
      throw Failure(reason: "is not taken: \(words)")
    } catch {
      throw Failure(reason: "cannot be read")
    }
  }

  private static func fingerprint(_ key: PublicKey) throws(Failure) -> [UInt8] {
    do {
      return Digest.sha256(try key.spki())
    } catch {
      throw Failure(reason: "cannot be written as DER")
    }
  }

  private static func text(_ fields: JSONObject, _ name: String) throws(Failure) -> String {
    guard let text = fields[name]?.text else { throw Failure(reason: "has no text '\(name)'") }
    return text
  }

  private static func number(_ fields: JSONObject, _ name: String) throws(Failure) -> [UInt8] {
    guard let bytes = Base64.decodeURL(try text(fields, name)), !bytes.isEmpty else {
      throw Failure(reason: "has a '\(name)' that is not base64url without padding")
    }
    return bytes
  }
}
