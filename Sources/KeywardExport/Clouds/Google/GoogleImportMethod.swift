/// How an import job of Google wraps: hash and modulus come from here, never from an example.
package struct GoogleImportMethod: Sendable, Equatable {
  /// Google's name, as `RSA_OAEP_4096_SHA256_AES_256`.
  package let name: String
  /// For the name of a job: no more than fits 63 characters.
  let shortName: String

  package init(_ wrapping: WrappingAlgorithm, bits: Int) throws(CloudFailure) {
    let hash: String
    switch wrapping {
    case .hybridSHA1: hash = "SHA1"
    case .hybridSHA256, .oaepSHA256: hash = "SHA256"
    default: throw CloudFailure(.unfit, "Google has no import method for \(wrapping.rawValue).")
    }
    guard bits == 3072 || bits == 4096 else {
      throw CloudFailure(.unfit, "Import jobs of Google have RSA keys of 3072 or 4096 bits.")
    }
    let isHybrid = wrapping.envelope == .hybrid
    name = "RSA_OAEP_\(bits)_\(hash)" + (isHybrid ? "_AES_256" : "")
    shortName = "\(bits)-\(hash.lowercased())" + (isHybrid ? "-aes" : "")
  }
}
