import KeywardCrypto
package import KeywardModel

extension JWK {
  /// What a JWK says of its use (RFC 7517 §4.2 to §4.4); nil is what it does not say.
  package struct Purpose: Hashable, Sendable {
    private enum Use: String {
      case sig
      case enc
    }

    /// The operations that `use` and `key_ops` leave, by the names of `key_ops`.
    private let allowed: Set<String>?
    private let algorithm: String?

    private static let signing: Set<String> = ["sign", "verify"]
    private static let hiding: Set<String> = [
      "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits",
    ]

    /// Reads the members, which must not contradict one another.
    init(_ members: SecretFields.Members) throws(CryptoError) {
      func text(_ box: SecretBox) -> String {
        String(decoding: box.bytes.revealed(), as: UTF8.self)
      }
      algorithm = members.texts["alg"].map(text)
      var allowed: Set<String>?
      if let operations = members.lists["key_ops"]?.map(text) {
        let set = Set(operations)
        guard set.count == operations.count, set.isSubset(of: Self.signing.union(Self.hiding))
        else {
          throw .invalidKey("'key_ops' has an operation twice, or one that is not known")
        }
        allowed = set
      }
      if let use = members.texts["use"].map(text) {
        guard let use = Use(rawValue: use) else { throw .invalidKey("'use' is not sig or enc") }
        let ofUse = use == .sig ? Self.signing : Self.hiding
        guard allowed?.isSubset(of: ofUse) ?? true else {
          throw .invalidKey("'use' and 'key_ops' contradict each other")
        }
        allowed = allowed ?? ofUse
      }
      self.allowed = allowed
    }

    /// Whether it says anything.
    package var isStated: Bool { allowed != nil || algorithm != nil }

    /// The one type of symmetric key that `alg` names.
    package var symmetricType: KeyType? {
      guard let meant = algorithm.flatMap(Meaning.init), meant.types.count == 1 else { return nil }
      return meant.types.first.flatMap { $0.isKeyPair ? nil : $0 }
    }

    /// Refuses a key of this type with these operations if the JWK is for something else.
    package func check(_ type: KeyType, _ operations: KeyOperations) throws(ExportRefusal) {
      let used = operations.list.filter { $0 != .export && $0 != .cloudExport }
      if let algorithm {
        guard let meant = Meaning(algorithm) else {
          throw JWK.invalid("its 'alg' is not one that Keyward has")
        }
        guard meant.types.contains(type) else {
          throw JWK.invalid("its 'alg' is not for a key of type \(type.rawValue)")
        }
        if let other = used.first(where: { !meant.operations.contains($0) }) {
          throw JWK.invalid("its 'alg' is not for \(other.rawValue), which the key would do")
        }
      }
      guard let allowed else { return }
      for operation in used
      where allowed.isDisjoint(with: Self.names(operation, isPair: type.isKeyPair)) {
        throw JWK.invalid(
          "its 'use' or 'key_ops' does not let it \(operation.rawValue), which the key would do"
        )
      }
    }

    /// The members of `key_ops` any of which allows an operation: the public one goes with the private.
    private static func names(_ operation: KeyOperation, isPair: Bool) -> Set<String> {
      switch operation {
      case .sign, .mac: ["sign"]
      case .verify, .macVerify: ["verify", "sign"]
      case .encrypt: isPair ? ["encrypt", "decrypt"] : ["encrypt"]
      case .decrypt: ["decrypt"]
      case .wrap: isPair ? ["wrapKey", "unwrapKey"] : ["wrapKey"]
      case .unwrap: ["unwrapKey"]
      case .derive, .agree: ["deriveKey", "deriveBits"]
      case .export, .cloudExport: []
      }
    }
  }

  /// What an `alg` means: the types of its keys, and what is done with them.
  private struct Meaning {
    let types: Set<KeyType>
    let operations: KeyOperations

    private static let rsa: Set<KeyType> = [.rsa2048, .rsa3072, .rsa4096]

    init?(_ algorithm: String) {
      switch algorithm {
      case "HS256": self.init([.hmacSHA256], [.mac, .macVerify])
      case "HS384": self.init([.hmacSHA384], [.mac, .macVerify])
      case "HS512": self.init([.hmacSHA512], [.mac, .macVerify])
      case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
        self.init(Self.rsa, [.sign, .verify])
      case "ES256": self.init([.ecP256], [.sign, .verify])
      case "ES384": self.init([.ecP384], [.sign, .verify])
      case "ES512": self.init([.ecP521], [.sign, .verify])
      case "ES256K": self.init([.ecSecp256k1], [.sign, .verify])
      case "EdDSA", "Ed25519": self.init([.ed25519], [.sign, .verify])
      case "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512":
        self.init(Self.rsa, [.encrypt, .decrypt, .wrap, .unwrap])
      case "A128GCM": self.init([.aes128], [.encrypt, .decrypt])
      case "A256GCM": self.init([.aes256], [.encrypt, .decrypt])
      case "A128KW": self.init([.aes128], [.wrap, .unwrap])
      case "A256KW": self.init([.aes256], [.wrap, .unwrap])
      case "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW":
        self.init([.ecP256, .ecP384, .ecP521, .x25519], [.agree])
      default: return nil
      }
    }

    private init(_ types: Set<KeyType>, _ operations: KeyOperations) {
      self.types = types
      self.operations = operations
    }
  }
}
