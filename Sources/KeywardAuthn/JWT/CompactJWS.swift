import KeywardModel

/// A JSON Web Signature in compact form (RFC 7515 §7.1), taken apart and not yet believed.
struct CompactJWS {
  /// The longest token: far above what issuers make, and below what costs time.
  static let longest = 16_384

  let algorithm: JWSAlgorithm
  let keyID: String?
  /// The two first parts as they were signed.
  let signed: [UInt8]
  let signature: [UInt8]
  let payload: [UInt8]

  /// Header parameters that change what is verified, or say where a key is to be found.
  ///
  /// A verifier that follows them lets the token choose its own judge (V03). `crit` is among them
  /// because no extension is understood here (RFC 7515 §4.1.11).
  private static let refused = [
    "crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc", "cty", "epk", "p2c", "p2s",
  ]

  init(_ text: String) throws(JWTRefusal) {
    guard text.utf8.count <= Self.longest else { throw .tooLong }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed("not three parts") }
    guard let header = Base64.decodeURL(String(parts[0])),
      let payload = Base64.decodeURL(String(parts[1])),
      let signature = Base64.decodeURL(String(parts[2]))
    else { throw .malformed("a part is not base64url") }
    let fields = try Self.object(header, "header")
    for name in Self.refused where fields[name] != nil { throw .header(name) }
    if let type = fields["typ"] {
      guard let text = type.text, ["JWT", "JOSE"].contains(text.uppercased()) else {
        throw .header("typ")
      }
    }
    guard let named = fields["alg"]?.text, let algorithm = JWSAlgorithm(rawValue: named) else {
      throw .algorithm
    }
    if let id = fields["kid"] {
      guard let text = id.text, Self.isKeyID(text) else { throw .header("kid") }
      keyID = text
    } else {
      keyID = nil
    }
    self.algorithm = algorithm
    self.payload = payload
    self.signature = signature
    signed = Array(text.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
  }

  /// Whether a `kid` is one that is looked up: it is compared with those of the set, and nothing else
  /// is ever done with it.
  static func isKeyID(_ text: String) -> Bool {
    (1...256).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
  }

  static func object(_ bytes: [UInt8], _ what: String) throws(JWTRefusal) -> JSONObject {
    do {
      return try StrictJSON.object(bytes)
    } catch {
      throw .malformed("\(what) \(error.reason)")
    }
  }
}
