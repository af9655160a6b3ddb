import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// What a JWK says of its use, and how strictly it is read (RFC 7517).
@Suite
struct JWKPurposeTests {
  private static let k = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

  private static func oct(_ more: String = "") -> String {
    #"{"kty":"oct","k":"\#(k)"\#(more)}"#
  }

  private static func pair(_ type: KeyType, _ more: String) throws -> String {
    let material = try ExportMaterial.canonical(Samples.stored(ExportSubject(type)), type)
    let text = try JWK.write(material, type, kid: "k").revealed()
    return String(decoding: text.dropLast(), as: UTF8.self) + more + "}"
  }

  private static func purpose(_ text: String) throws(ExportRefusal) -> JWK.Purpose {
    do {
      return try JWK.read(SecretBytes.fixture(Array(text.utf8))).purpose
    } catch let error as ExportRefusal {
      throw error
    } catch {
      throw ExportRefusal(.outOfMemory, "No memory for a fixture.")
    }
  }

  @Test("What a JWK does not say is not held against it")
  func silence() throws {
    let purpose = try Self.purpose(Self.oct())
    #expect(!purpose.isStated && purpose.symmetricType == nil)
    for type in KeyType.allCases { try purpose.check(type, type.possibleOperations) }
  }

  @Test(
    "The algorithm of a symmetric key names its type",
    arguments: [
      ("HS256", KeyType.hmacSHA256), ("HS384", .hmacSHA384), ("HS512", .hmacSHA512),
      ("A128GCM", .aes128), ("A256GCM", .aes256), ("A128KW", .aes128), ("A256KW", .aes256),
    ]
  )
  func symmetricTypes(_ algorithm: String, _ type: KeyType) throws {
    let purpose = try Self.purpose(Self.oct(#","alg":"\#(algorithm)""#))
    #expect(purpose.symmetricType == type)
    for other in KeyType.allCases where other != type {
      #expect(throws: ExportRefusal.self) { try purpose.check(other, []) }
    }
  }

  @Test(
    "The algorithm of a pair is one of its type",
    arguments: [
      ("RS256", KeyType.rsa2048, true), ("PS512", .rsa2048, true), ("ES256", .rsa2048, false),
      ("ES256", .ecP256, true), ("ES384", .ecP256, false), ("ES384", .ecP384, true),
      ("ES512", .ecP521, true), ("ES256K", .ecSecp256k1, true), ("ES256", .ecSecp256k1, false),
      ("EdDSA", .ed25519, true), ("Ed25519", .ed25519, true), ("EdDSA", .x25519, false),
      ("ECDH-ES", .x25519, false), ("none", .ecP256, false), ("RSA1_5", .rsa2048, false),
    ]
  )
  func pairs(_ algorithm: String, _ type: KeyType, _ fits: Bool) throws {
    let purpose = try Self.purpose(Self.pair(type, #","alg":"\#(algorithm)""#))
    let signs = (try? purpose.check(type, [.sign, .verify])) != nil
    #expect(signs == fits)
  }

  /// Each with operations that it lets a key of the type do, and some that it does not.
  @Test(
    "'use', 'key_ops' and 'alg' hold",
    arguments: [
      (#","use":"sig""#, KeyType.hmacSHA256, [.mac, .macVerify], [.derive]),
      (#","use":"enc""#, .aes256, [.encrypt, .decrypt, .wrap, .unwrap], []),
      (#","use":"sig""#, .aes256, [], [.encrypt]),
      (#","use":"enc""#, .rsa2048, [.encrypt, .decrypt, .wrap, .unwrap], [.sign, .verify]),
      (#","use":"sig""#, .rsa2048, [.sign, .verify], [.decrypt]),
      (#","key_ops":["sign"]"#, .ecP256, [.sign, .verify], [.agree]),
      (#","key_ops":["deriveBits"]"#, .ecP256, [.agree], [.sign, .verify]),
      (#","key_ops":["verify"]"#, .ecP256, [.verify], [.sign]),
      (#","key_ops":["unwrapKey"]"#, .rsa2048, [.wrap, .unwrap], [.encrypt, .sign]),
      (#","key_ops":["unwrapKey"]"#, .aes256, [.unwrap], [.wrap, .encrypt]),
      (#","key_ops":["encrypt","decrypt"]"#, .aes256, [.encrypt, .decrypt], [.wrap, .derive]),
      (#","key_ops":[]"#, .aes256, [], [.encrypt]),
      (#","use":"enc","key_ops":["wrapKey"]"#, .aes256, [.wrap], [.unwrap, .encrypt]),
      (#","alg":"A256KW""#, .aes256, [.wrap, .unwrap], [.encrypt]),
      (#","alg":"A256GCM""#, .aes256, [.encrypt, .decrypt], [.wrap, .derive]),
      (#","alg":"RSA-OAEP-256""#, .rsa2048, [.decrypt, .unwrap], [.sign]),
    ] as [(String, KeyType, [KeyOperation], [KeyOperation])]
  )
  func operations(
    _ words: String,
    _ type: KeyType,
    _ may: [KeyOperation],
    _ mayNot: [KeyOperation]
  ) throws {
    let purpose = try Self.purpose(type.isKeyPair ? Self.pair(type, words) : Self.oct(words))
    #expect(purpose.isStated)
    try purpose.check(type, may.reduce([.export, .cloudExport]) { $0.union(KeyOperations($1)) })
    for operation in mayNot {
      #expect(throws: ExportRefusal.self, "\(operation)") {
        try purpose.check(type, KeyOperations(operation))
      }
    }
  }

  @Test(
    "What is not strict is not read",
    arguments: [
      #","k":"AAAA""#, #","kid":"a","kid":"b""#, #","x":1,"x":2"#, #","\u006b":"AAAA""#,
      #","use":1"#, #","use":"both""#, #","use":null"#, #","alg":[]"#, #","alg":"#,
      #","key_ops":"sign""#, #","key_ops":["sign","sign"]"#, #","key_ops":["fly"]"#,
      #","key_ops":[1]"#, #","key_ops":["sign""#, #","use":"sig","key_ops":["decrypt"]"#,
      #","use":"sig","use":"sig""#, #","kty":"oct""#,
    ]
  )
  func strictness(_ more: String) {
    #expect(throws: ExportRefusal.self) { try Self.purpose(Self.oct(more)) }
  }

  @Test(
    "Every private member is needed",
    arguments: ["d", "p", "q", "dp", "dq", "qi", "n", "e", "kty"]
  )
  func missing(_ member: String) throws {
    let whole = try Self.pair(.rsa2048, "")
    _ = try Self.purpose(whole)
    let cut =
      member == "kty"
      ? whole.replacing(#""kty":"RSA","#, with: "")
      : whole.replacing(try Regex(",\"\(member)\":\"[^\"]*\""), with: "")
    #expect(cut.utf8.count < whole.utf8.count)
    #expect(throws: ExportRefusal.self) { try Self.purpose(cut) }
  }

  @Test("White space, unknown members and any order are all right")
  func leniency() throws {
    let text =
      " {\n\"x5c\":[\"a\",{\"b\":1}],\t\"k\" : \"\(Self.k)\" ,\"ext\":true,\"kty\":\"oct\"}\n"
    #expect(try !Self.purpose(text).isStated)
  }
}
