import KeywardCrypto
import KeywardModel

/// Which algorithm an operation uses: fixed by the key's type, chosen by name only within it.
enum Schemes {
  enum Wrapping: Equatable {
    case aesKW
    case aesKWP
    case rsaOAEP(HashFunction)
  }

  static func signature(
    _ type: KeyType,
    _ request: CryptoRequest
  ) throws(ServiceError) -> SignatureScheme {
    switch type {
    case .ed25519:
      guard request.algorithm == nil || request.algorithm == "ed25519", request.hash == nil,
        !request.prehashed
      else { throw unfit(type, "ed25519, without a hash") }
      return .ed25519
    case .ecP256, .ecSecp256k1: return try ecdsa(type, request, .sha256)
    case .ecP384: return try ecdsa(type, request, .sha384)
    case .ecP521: return try ecdsa(type, request, .sha512)
    case .rsa2048, .rsa3072, .rsa4096:
      let hash = try hash(request.hash) ?? .sha256
      switch request.algorithm {
      case nil, "rsa-pss": return .rsaPSS(hash)
      case "rsa-pkcs1": return .rsaPKCS1(hash)
      default: throw unfit(type, "rsa-pss or rsa-pkcs1")
      }
    default: throw unfit(type, "none")
    }
  }

  static func macHash(_ type: KeyType) throws(ServiceError) -> HashFunction {
    switch type {
    case .hmacSHA256: return .sha256
    case .hmacSHA384: return .sha384
    case .hmacSHA512: return .sha512
    default: throw unfit(type, "none")
    }
  }

  static func wrapping(_ type: KeyType, _ request: CryptoRequest) throws(ServiceError) -> Wrapping {
    switch type {
    case .aes128, .aes256:
      switch request.algorithm {
      case nil, "aes-kwp": return .aesKWP
      case "aes-kw": return .aesKW
      default: throw unfit(type, "aes-kwp or aes-kw")
      }
    case .rsa2048, .rsa3072, .rsa4096:
      guard request.algorithm == nil || request.algorithm == "rsa-oaep" else {
        throw unfit(type, "rsa-oaep")
      }
      return .rsaOAEP(try hash(request.hash) ?? .sha256)
    default: throw unfit(type, "none")
    }
  }

  /// A hash of SHA-2 by name; SHA-1 is never offered to callers.
  static func hash(_ name: String?) throws(ServiceError) -> HashFunction? {
    guard let name else { return nil }
    switch name {
    case "sha256": return .sha256
    case "sha384": return .sha384
    case "sha512": return .sha512
    default:
      throw ServiceError(
        .invalidRequest,
        "The hash is unknown.",
        remedy: "Use sha256, sha384 or sha512."
      )
    }
  }

  /// Runs a step of the crypto layer, with its errors in public words.
  static func run<R>(_ body: () throws(CryptoError) -> R) throws(ServiceError) -> R {
    do { return try body() } catch { throw ServiceError(error) }
  }

  private static func ecdsa(
    _ type: KeyType,
    _ request: CryptoRequest,
    _ standard: HashFunction
  ) throws(ServiceError) -> SignatureScheme {
    let hash = try hash(request.hash) ?? standard
    switch request.algorithm {
    case nil, "ecdsa": return .ecdsa(hash, encoding: .der)
    case "ecdsa-p1363": return .ecdsa(hash, encoding: .p1363)
    default: throw unfit(type, "ecdsa or ecdsa-p1363")
    }
  }

  private static func unfit(_ type: KeyType, _ fit: String) -> ServiceError {
    ServiceError(
      .keyUsage,
      "The algorithm does not fit a key of type \(type.rawValue).",
      remedy: "It takes: \(fit)."
    )
  }
}
