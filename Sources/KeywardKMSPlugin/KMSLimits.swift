/// The bounds of the KMS v2 contract, all inclusive, and the checks of them.
///
/// Source: kubernetes 1.36 `envelope/kmsv2/envelope.go`: a kube-apiserver refuses what is outside,
/// so Keyward checks before it sends.
package enum KMSLimits {
  /// Bytes of `key_id`.
  package static let keyID = 1...1024
  /// Bytes of `ciphertext`.
  package static let ciphertext = 1...1024
  /// Bytes of `plaintext`: a ciphertext is longer, so more could not be answered.
  package static let plaintext = 1...1024
  /// Bytes of `uid`, which is kept in the audit log; the contract names no bound.
  package static let uid = 0...1024
  /// Bytes of all annotation names and values together.
  package static let annotations = 0...32_768

  /// Whether names are domain names and the whole is small enough.
  package static func areAnnotationsValid(_ annotations: [String: [UInt8]]) -> Bool {
    var total = 0
    for (name, value) in annotations {
      guard isDomainName(name) else { return false }
      total += name.utf8.count + value.count
    }
    return self.annotations.contains(total)
  }

  /// Whether the name has two DNS-1123 labels or more.
  ///
  /// Source: k8s.io/apimachinery `IsFullyQualifiedDomainName`; RFC 1123 §2.1.
  package static func isDomainName(_ name: String) -> Bool {
    let bytes = name.utf8
    guard (3...253).contains(bytes.count) else { return false }
    let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return labels.count >= 2 && labels.allSatisfy(isLabel)
  }

  private static func isLabel(_ label: Substring.UTF8View) -> Bool {
    guard (1...63).contains(label.count), let first = label.first, let last = label.last else {
      return false
    }
    return isLetterOrDigit(first) && isLetterOrDigit(last)
      && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}
