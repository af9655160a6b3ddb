import KeywardCrypto

/// Google's `importMethod`: hash and size of the wrapping key come from it and nothing else.
///
/// Google's own sample for Python wraps with SHA-1 whatever the job says.
package struct GoogleJobMethod: Sendable, Hashable {
  package let name: String
  package let algorithm: WrappingAlgorithm
  package let bits: Int

  package static let all: [GoogleJobMethod] = [
    .init(name: "RSA_OAEP_3072_SHA1_AES_256", algorithm: .hybridSHA1, bits: 3072),
    .init(name: "RSA_OAEP_4096_SHA1_AES_256", algorithm: .hybridSHA1, bits: 4096),
    .init(name: "RSA_OAEP_3072_SHA256_AES_256", algorithm: .hybridSHA256, bits: 3072),
    .init(name: "RSA_OAEP_4096_SHA256_AES_256", algorithm: .hybridSHA256, bits: 4096),
    .init(name: "RSA_OAEP_3072_SHA256", algorithm: .oaepSHA256, bits: 3072),
    .init(name: "RSA_OAEP_4096_SHA256", algorithm: .oaepSHA256, bits: 4096),
  ]

  package static func named(_ name: String) throws(ExportRefusal) -> GoogleJobMethod {
    if let method = all.first(where: { $0.name == name }) { return method }
    throw ExportRefusal(
      .importMethodUnsupported,
      name.utf8.starts(with: "HPKE".utf8)
        ? "Import methods with HPKE need ML-KEM, which this release does not have."
        : "The import method is not known.",
      remedy: "Make a job with RSA_OAEP_4096_SHA256_AES_256.",
      place: "importMethod"
    )
  }

  /// Refuses a key of another size than the method says (failure mode 10).
  func check(_ spki: [UInt8]) throws(ExportRefusal) {
    let key = try? PublicKey(spki: spki)
    guard key?.algorithm == .rsa(bits: bits) else {
      throw ExportRefusal(
        .wrappingKeySize,
        "The job's method is \(name), but its key is not RSA of \(bits) bits.",
        place: "publicKey.pem"
      )
    }
  }
}
