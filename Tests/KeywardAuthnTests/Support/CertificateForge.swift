import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// Makes certificates: an authority `ca` with its key, and what a test asks for.
final class CertificateForge {
  let oracle: IdentityOracle
  private(set) var made: [String: [UInt8]] = [:]
  private(set) var texts: [String: String] = [:]

  static let uri = "spiffe://prod.example.org/ns/payments/sa/deployer"

  init(keys: [String] = []) throws {
    oracle = try IdentityOracle()
    _ = try oracle.ask(
      (["ca", "other-ca", "leaf", "other-leaf", "middle"] + keys).map {
        ["op": "key", "name": $0, "type": "p256"]
      }
    )
    try make("ca", Self.authority("ca", subject: "Root"))
  }

  static func authority(
    _ key: String,
    subject: String,
    issuer: String? = nil,
    _ changes: [String: Any] = [:]
  ) -> [String: Any] {
    var fields: [String: Any] = [
      "key": key, "subject": subject, "ca": true, "usage": ["key_cert_sign", "crl_sign"],
      "from": nowSeconds - 86_400, "to": nowSeconds + 86_400 * 365,
    ]
    if let issuer { fields["issuer"] = issuer }
    return fields.merging(changes) { _, new in new }
  }

  static func client(
    _ key: String = "leaf",
    issuer: String = "ca",
    changes: [String: Any?] = [:]
  ) -> [String: Any] {
    var fields: [String: Any] = [
      "key": key, "subject": "client", "issuer": issuer, "ca": false,
      "usage": ["digital_signature"], "purposes": ["client"], "uris": [uri],
      "from": nowSeconds - 3600, "to": nowSeconds + 3600,
    ]
    for (name, value) in changes { fields[name] = value }
    return fields
  }

  /// Makes a certificate and keeps it under its name.
  @discardableResult
  func make(_ name: String, _ fields: [String: Any]) throws -> [UInt8] {
    let hex = try oracle.ask(
      fields.merging(["op": "certificate", "name": name]) { _, new in new }
    )
    texts[name] = try pem(hex)
    made[name] = try der(hex)
    return try der(hex)
  }

  func revocationList(_ fields: [String: Any]) throws -> String {
    let defaults: [String: Any] = [
      "op": "crl", "issuer": "ca", "revoked": [String](), "from": nowSeconds - 60,
      "to": nowSeconds + 3600,
    ]
    return try pem(oracle.ask(defaults.merging(fields) { _, new in new }), "X509 CRL")
  }

  func fingerprint(_ key: String) throws -> String {
    try oracle.ask(["op": "fingerprint", "key": key])
  }

  /// A registry with one authority, of the certificates named.
  func registry(
    _ authorities: [String] = ["ca"],
    _ change: (inout AuthorityDocument) -> Void = { _ in }
  ) throws -> Registry {
    var document = AuthorityDocument(
      name: "node-ca",
      certificates: authorities.compactMap { texts[$0] }.joined(),
      identity: "uri-san"
    )
    change(&document)
    return try Registry.empty.applying(.putAuthority(AuthorityRecord(document)))
  }
}
