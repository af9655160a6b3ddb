import COpenSSL

/// The hash functions of FIPS 180-4.
package enum HashFunction: String, Sendable, CaseIterable {
  /// Only for OAEP and its MGF1, where other systems still ask for it and collisions do not matter.
  case sha1
  case sha224
  case sha256
  case sha384
  case sha512
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case sha512_224
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case sha512_256

  /// The length of a digest in bytes.
  package var digestLength: Int {
    switch self {
    case .sha1: 20
    case .sha224, .sha512_224: 28
    case .sha256, .sha512_256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  /// The name by which OpenSSL fetches it.
  var opensslName: String {
    switch self {
    case .sha1: "SHA1"
    case .sha224: "SHA2-224"
    case .sha256: "SHA2-256"
    case .sha384: "SHA2-384"
    case .sha512: "SHA2-512"
    case .sha512_224: "SHA2-512/224"
    case .sha512_256: "SHA2-512/256"
    }
  }

  /// The size for `kw_sha2`, for the three functions that MACs and KDFs use.
  var blockFunctionBits: Int32? {
    switch self {
    case .sha256: 256
    case .sha384: 384
    case .sha512: 512
    default: nil
    }
  }

  /// The fetched EVP_MD; fetched once, never freed.
  func evp() throws(CryptoError) -> OpaquePointer {
    guard let digest = Self.fetched[self]?.pointer else {
      throw OpenSSL.failure("EVP_MD_fetch")
    }
    return digest
  }

  private static let fetched: [HashFunction: Fetched] = {
    OpenSSL.prepare()
    var result: [HashFunction: Fetched] = [:]
    for function in allCases {
      result[function] = EVP_MD_fetch(nil, function.opensslName, nil).map(Fetched.init)
    }
    return result
  }()
}

/// An algorithm that OpenSSL has looked up.
struct Fetched: @unchecked Sendable {
  // Unchecked: EVP_MD and EVP_CIPHER are immutable once fetched.
  let pointer: OpaquePointer
}
