import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// Makes tokens for one registered issuer, genuine and hostile.
///
/// Its key set has `k-es` (P-256, no `alg`) and `k-rs` (RSA, `alg` RS256); `other` is a key of nobody.
final class TokenForge {
  let oracle: IdentityOracle
  let genuine: GenuineToken
  let keySetText: String

  init(_ genuine: GenuineToken) throws {
    oracle = try IdentityOracle()
    self.genuine = genuine
    _ = try oracle.ask([
      ["op": "key", "name": "es", "type": "p256"],
      ["op": "key", "name": "rs", "type": "rsa2048"],
      ["op": "key", "name": "other", "type": "p256"],
    ])
    keySetText = keySet(
      try oracle.ask([
        ["op": "jwk", "key": "es", "fields": ["kid": "k-es", "use": "sig"]],
        ["op": "jwk", "key": "rs", "fields": ["kid": "k-rs", "use": "sig", "alg": "RS256"]],
      ])
    )
  }

  func registry(singleUse: Bool? = nil) throws -> Registry {
    let document = genuine.document(name: "issuer", keySet: keySetText, singleUse: singleUse)
    return try Registry.empty.applying(.putIssuer(IssuerRecord(document)))
  }

  /// A token to be made.
  struct Order {
    var header: [String: Any] = ["alg": "ES256", "kid": "k-es", "typ": "JWT"]
    var claims: [String: Any]
    var key = "es"
    var sign = "ES256"
    /// Texts in the place of the two dictionaries.
    var headerText: String?
    var payload: [UInt8]?
    /// Changes the finished token.
    var change: (String) -> String = { $0 }
  }

  var order: Order { Order(claims: genuine.allClaims) }

  func make(_ orders: [Order]) throws -> [String] {
    let requests = try orders.map { order -> IdentityOracle.Request in
      let payload = try order.payload ?? Array(json(order.claims).utf8)
      return [
        "op": "raw", "key": order.key, "sign": order.sign,
        "header": try order.headerText ?? json(order.header), "payload": Hex.encode(payload),
      ]
    }
    return try zip(oracle.ask(requests), orders).map { $1.change($0) }
  }

  /// A variant of the genuine token.
  func order(_ change: (inout Order) -> Void) -> Order {
    var order = order
    change(&order)
    return order
  }
}
