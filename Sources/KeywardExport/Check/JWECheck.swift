import KeywardModel

/// A key under encryption for its receiver (RFC 7516, compact).
enum JWECheck {
  static let unseen = ["whose key it is for, and which key is inside"]

  private typealias Finding = ExportCheck.Finding

  private static let parts = ["header", "encrypted key", "nonce", "ciphertext", "tag"]
  /// Key, nonce and tag in bytes (RFC 7518 §5.1).
  private static let contents: [String: (key: Int, nonce: Int, tag: Int)] = [
    "A128GCM": (16, 12, 16), "A192GCM": (24, 12, 16), "A256GCM": (32, 12, 16),
    "A128CBC-HS256": (32, 16, 16), "A192CBC-HS384": (48, 16, 24), "A256CBC-HS512": (64, 16, 32),
  ]

  static func check(_ bytes: [UInt8], _ hints: ExportCheck.Hints) -> [ExportCheck.Finding] {
    var text = bytes[...]
    // A line end after the whole harms nobody.
    while text.last == 0x0a || text.last == 0x0d { text.removeLast() }
    let words = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard words.count == 5 else {
      return [
        form(
          words.count == 3
            ? "This is a signed token (JWS), and nothing is encrypted in it."
            : "The compact form has 5 parts, and here are \(words.count).",
          "the whole file"
        )
      ]
    }
    var decoded: [[UInt8]] = []
    for (word, name) in zip(words, parts) {
      let letters = String(decoding: word, as: UTF8.self)
      guard let part = Base64.decodeURL(letters) else { return [encoding(Array(word), name)] }
      decoded.append(part)
    }
    guard let header = try? StrictJSON.object(decoded[0]) else {
      return [form("The header is not a JSON object.", "header")]
    }
    return check(header, decoded, hints)
  }

  private static func check(
    _ header: JSONObject,
    _ parts: [[UInt8]],
    _ hints: ExportCheck.Hints
  ) -> [ExportCheck.Finding] {
    if header["crit"] != nil || header["zip"] != nil {
      return [form("'crit' and 'zip' are not taken.", header["crit"] == nil ? "zip" : "crit")]
    }
    guard let content = header["enc"]?.text.flatMap({ contents[$0] }) else {
      return [algorithm("'enc' is no encryption with authentication.", "enc", "enc A256GCM")]
    }
    let name = header["alg"]?.text ?? ""
    var findings: [Finding] = []
    switch name {
    case "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512", "RSA-OAEP":
      let sizes = hints.wrappingKeyBits.map { [$0 / 8] } ?? [256, 384, 512]
      findings += length(parts[1].count, sizes, "encrypted key")
      if name == "RSA-OAEP" {
        findings.append(
          Finding(
            .sha1Avoidable,
            "RSA-OAEP uses SHA-1.",
            at: "alg",
            remedy: "Use RSA-OAEP-256.",
            severity: .warning
          )
        )
      }
    case "A128KW", "A192KW", "A256KW":
      findings += length(parts[1].count, [content.key + 8], "encrypted key")
    case "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW":
      findings += length(parts[1].count, [name == "ECDH-ES" ? 0 : content.key + 8], "encrypted key")
      let curve = header.object("epk")?["crv"]?.text ?? ""
      if !["P-256", "P-384", "P-521", "X25519"].contains(curve) {
        findings.append(form("There is no 'epk' on a known curve.", "epk"))
      }
    default: findings.append(refused(name))
    }
    findings += length(parts[2].count, [content.nonce], "nonce")
    findings += length(parts[4].count, [content.tag], "tag")
    if parts[3].isEmpty { findings.append(form("Nothing is encrypted.", "ciphertext")) }
    return findings
  }

  private static func refused(_ name: String) -> ExportCheck.Finding {
    let words =
      switch name {
      case "none": "'alg' is none: nothing protects the key."
      case "dir": "'alg' is dir: no key is wrapped, and the receiver's own encrypts the content."
      case "RSA1_5": "'alg' is RSA1_5, whose padding lets others decrypt by trial."
      default: "'alg' is none of the algorithms that wrap a key for a receiver."
      }
    return algorithm(words, "alg", "alg RSA-OAEP-256, ECDH-ES+A256KW or A256KW")
  }

  private static func encoding(_ word: [UInt8], _ name: String) -> ExportCheck.Finding {
    guard let text = word.withUnsafeBytes({ TextForm($0) }), text.decode(word) != nil else {
      return form("The \(name) is not base64url.", name)
    }
    return Finding(
      .base64Variant,
      "The \(name) is not in base64url without padding, or has line ends.",
      at: name,
      remedy: "Use - and _ without padding."
    )
  }

  private static func length(_ count: Int, _ due: [Int], _ place: String) -> [ExportCheck.Finding] {
    guard !due.contains(count) else { return [] }
    return [
      Finding(
        .blobLength,
        "The \(place) has \(count) bytes, and "
          + "\(due.map(String.init).joined(separator: " or ")) are due.",
        at: place,
        remedy: "Copy it again, whole."
      )
    ]
  }

  private static func form(_ words: String, _ place: String) -> ExportCheck.Finding {
    Finding(.jweForm, words, at: place, remedy: "Make it again in compact form (RFC 7516 §7.1).")
  }

  private static func algorithm(
    _ words: String,
    _ place: String,
    _ remedy: String
  ) -> ExportCheck.Finding {
    Finding(.jweAlgorithm, words, at: place, remedy: "Encrypt again with \(remedy).")
  }
}
