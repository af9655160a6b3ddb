import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// The moment at which the tests take place: 2026-09-21T14:13:20Z.
let nowSeconds: Int64 = 1_790_000_000
let now = Timestamp(milliseconds: nowSeconds * 1000)

func name(_ text: String) throws -> RegistryName {
  try #require(RegistryName(text))
}

/// What an encoder of JSON makes of a dictionary.
func json(_ value: Any) throws -> String {
  let data = try JSONSerialization.data(
    withJSONObject: value,
    options: [.sortedKeys, .withoutEscapingSlashes]
  )
  return String(decoding: data, as: UTF8.self)
}

func keySet(_ jwks: [String]) -> String {
  "{\"keys\":[\(jwks.joined(separator: ","))]}"
}

/// Puts PEM around the hexadecimal DER that the oracle gives.
func pem(_ hex: String, _ label: String = "CERTIFICATE") throws -> String {
  let bytes = try #require(Hex.decode(hex))
  let digits = Base64.encode(bytes)
  var text = "-----BEGIN \(label)-----\n"
  var rest = digits[...]
  while !rest.isEmpty {
    text += rest.prefix(64) + "\n"
    rest = rest.dropFirst(64)
  }
  return text + "-----END \(label)-----\n"
}

func der(_ hex: String) throws -> [UInt8] {
  try #require(Hex.decode(hex))
}

extension JWTOutcome {
  var verified: VerifiedJWT? {
    if case .accepted(let verified) = self { return verified }
    return nil
  }

  var refusal: JWTRefusal? {
    if case .refused(let refusal) = self { return refusal }
    return nil
  }
}

extension CertificateOutcome {
  var verified: VerifiedCertificate? {
    if case .accepted(let verified) = self { return verified }
    return nil
  }

  var refusal: CertificateRefusal? {
    if case .refused(let refusal) = self { return refusal }
    return nil
  }
}

/// A registry after these changes.
func registry(_ changes: Registry.Change...) throws -> Registry {
  var registry = Registry.empty
  for change in changes { registry = try registry.applying(change) }
  return registry
}
