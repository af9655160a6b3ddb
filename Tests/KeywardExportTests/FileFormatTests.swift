import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// Keys handed over as files, opened by programs that are not ours.
@Suite
struct FileFormatTests {
  private static let kid = "app/key/1"
  private static let password = Array("correct horse battery".utf8)

  /// What a key version of each type holds, in the form that is handed over.
  private static func material(_ type: KeyType) throws -> SecretBytes {
    try ExportMaterial.canonical(Samples.stored(ExportSubject(type)), type)
  }

  private static func allows(_ format: FileFormat, _ type: KeyType) -> Bool {
    (try? format.check(ExportSubject(type))) != nil
  }

  @Test(
    "jwcrypto opens a JWE of every type of key, and finds the same key in it",
    arguments: [AsymmetricAlgorithm.rsa(bits: 2048), .p256, .p384, .p521, .x25519]
  )
  func jwe(_ algorithm: AsymmetricAlgorithm) throws {
    let recipient = try PrivateKey.generate(algorithm)
    let expected = algorithm.isRSA ? "RSA-OAEP-256" : "ECDH-ES+A256KW"
    // Large RSA keys take their time in Python: once, here, and in `sharedJWE`.
    let types = KeyType.allCases.filter {
      algorithm == .rsa(bits: 2048) || ![.rsa3072, .rsa4096].contains($0)
    }
    try Self.openJWEs(types, expected, ["recipient": hex(recipient.pkcs8().revealed())]) { jwk in
      try JWE.seal(jwk, kid: Self.kid, to: recipient.publicKey())
    }
  }

  @Test("jwcrypto opens a JWE under a shared key")
  func sharedJWE() throws {
    let kek = try SecretBytes.random(count: 32)
    try Self.openJWEs(KeyType.allCases, "A256KW", ["kek": hex(kek.revealed())]) { jwk in
      try JWE.seal(jwk, kid: Self.kid, under: kek)
    }
  }

  private static func openJWEs(
    _ types: [KeyType],
    _ algorithm: String,
    _ opener: ExportOracle.Job,
    _ seal: (borrowing SecretBytes) throws -> String
  ) throws {
    var jobs: [ExportOracle.Job] = []
    var keys: [String] = []
    for type in types {
      let material = try material(type)
      keys.append(hex(material.revealed()))
      let text = try seal(JWK.write(material, type, kid: kid))
      jobs.append(opener.merging(["op": "jwe", "jwe": text]) { $1 })
    }
    for (index, answer) in try ExportOracle.run(jobs).enumerated() {
      #expect(answer["alg"] as? String == algorithm, "\(answer["error"] ?? "")")
      let isSame = answer["material"] as? String == keys[index]
      #expect(isSame, "\(types[index]) \(answer["error"] ?? "")")
    }
  }

  @Test("A JWK that jwcrypto wrote is read as the same key")
  func jwk() throws {
    var jobs: [ExportOracle.Job] = []
    var keys: [String] = []
    for type in KeyType.allCases {
      keys.append(hex(try Self.material(type).revealed()))
      jobs.append(["op": "make_jwk", "material": keys[keys.count - 1], "pair": type.isKeyPair])
    }
    for (index, answer) in try ExportOracle.run(jobs).enumerated() {
      let type = KeyType.allCases[index]
      let text = try #require(answer["jwk"] as? String, "\(type) \(answer["error"] ?? "")")
      let content = try JWK.read(Samples.secret(unhex(text)))
      let isSame = hex(content.material.bytes.revealed()) == keys[index]
      #expect(isSame, "\(type)")
      #expect(content.type == (type.isKeyPair ? type : nil))
    }
  }

  @Test("Python cryptography opens PKCS#8 and PKCS#12 files with their password")
  func passwordFiles() throws {
    var jobs: [ExportOracle.Job] = []
    var keys: [String] = []
    for type in KeyType.allCases {
      for format in [FileFormat.pkcs8, .pkcs12] where Self.allows(format, type) {
        let material = try Self.material(type)
        let password = try Samples.secret(Self.password)
        let file =
          try format == .pkcs8
          ? PasswordFiles.encryptedPKCS8(material, password: password)
          : PasswordFiles.pkcs12(
            PrivateKey(pkcs8: material),
            name: Self.kid,
            certificate: nil,
            from: 1_700_000_000,
            to: 2_000_000_000,
            password: password
          )
        keys.append(hex(material.revealed()))
        jobs.append([
          "op": format == .pkcs8 ? "encrypted_pkcs8" : "pkcs12", "file": hex(file),
          "password": hex(Self.password),
        ])
      }
    }
    // Nine types of pairs, of which X25519 has no certificate.
    try #require(jobs.count == 17)
    for (index, answer) in try ExportOracle.run(jobs).enumerated() {
      let isSame = answer["material"] as? String == keys[index]
      #expect(isSame, "\(jobs[index]["op"] ?? "") \(answer["error"] ?? "")")
    }
    let wrong = try ExportOracle.run(
      jobs.suffix(2).map { $0.merging(["password": hex(Array("another password".utf8))]) { $1 } }
    )
    for answer in wrong { #expect(answer["material"] == nil && answer["error"] != nil) }
  }

  @Test("Tink uses keysets in the clear and under a key, and does what the key alone does")
  func tink() throws {
    var jobs: [ExportOracle.Job] = []
    for (index, type) in KeyType.allCases.enumerated() where Self.allows(.tink, type) {
      let material = try Self.material(type)
      let id = UInt32(0xfedc_ba00) + UInt32(index)
      let kek = try SecretBytes.random(count: 32)
      let clear = try TinkKeyset.clear(material, type, id: id).revealed()
      let sealed = try TinkKeyset.encrypted(material, type, id: id, under: kek)
      let job: ExportOracle.Job = [
        "op": "tink_keyset", "material": hex(material.revealed()), "type": type.rawValue, "id": id,
      ]
      jobs.append(job.merging(["keyset": hex(clear)]) { $1 })
      jobs.append(job.merging(["keyset": hex(sealed), "kek": hex(kek.revealed())]) { $1 })
    }
    try #require(jobs.count == 18)
    for (job, answer) in zip(jobs, try ExportOracle.run(jobs)) {
      #expect(answer["ok"] as? Bool == true, "\(job["type"] ?? "") \(answer)")
    }
  }

  @Test(
    "PyCryptodome and Python cryptography undo AES-KW and AES-KWP under keys of each size",
    arguments: [16, 24, 32]
  )
  func keyWrap(_ size: Int) throws {
    var jobs: [ExportOracle.Job] = []
    var keys: [String] = []
    let kek = try SecretBytes.random(count: size)
    for type in KeyType.allCases {
      for wrapping in [WrappingAlgorithm.aesKW, .aesKWP] {
        let material = try Self.material(type)
        // RFC 3394 has no form for other lengths.
        if wrapping == .aesKW && material.count % 8 != 0 { continue }
        let blob = try ExportEnvelope.seal(material, wrapping, under: kek)
        keys.append(hex(material.revealed()))
        jobs.append([
          "op": "open_wrap", "kek": hex(kek.revealed()), "blob": hex(blob),
          "padded": wrapping == .aesKWP,
        ])
      }
    }
    try #require(jobs.count > KeyType.allCases.count)
    for (index, answer) in try ExportOracle.run(jobs).enumerated() {
      for opener in ["pycryptodome", "cryptography"] {
        let isSame = answer[opener] as? String == keys[index]
        #expect(isSame, "\(opener): \(answer["error"] ?? "another key")")
      }
    }
  }
}
