import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// Every allowed cell, opened by two implementations that are not ours.
@Suite
struct CellTests {
  @Test("PyCryptodome and Python cryptography open every allowed cell to identical bytes")
  func open() throws {
    var jobs: [ExportOracle.Job] = []
    var materials: [[UInt8]] = []
    var cells: [ExportCell] = []
    for cell in ExportRules.allCells {
      let key = try Samples.wrappingKey(cell.wrappingKeyBits)
      let material = try ExportMaterial.canonical(Samples.stored(cell.subject), cell.subject.type)
      let blob = try ExportEnvelope.seal(material, cell.wrapping, to: key.publicKey())
      let opened = try ExportEnvelope.open(blob, cell.wrapping, with: key)
      let isSame = opened.constantTimeEquals(material)
      #expect(isSame)
      jobs.append([
        "op": "open_blob", "blob": hex(blob), "key": hex(try key.pkcs8().revealed()),
        "hash": cell.wrapping.hash?.rawValue ?? "",
        "envelope": cell.wrapping.envelope == .direct ? "direct" : "hybrid",
      ])
      materials.append(material.revealed())
      cells.append(cell)
    }
    #expect(cells.count >= 60)
    let answers = try ExportOracle.run(jobs)
    for (index, answer) in answers.enumerated() {
      let expected = hex(materials[index])
      #expect(answer["pycryptodome"] as? String == expected, "\(cells[index]) \(answer)")
      #expect(answer["cryptography"] as? String == expected, "\(cells[index]) \(answer)")
    }
  }

  /// SoftHSM2 knows OAEP with SHA-1 alone, and no Ed25519.
  @Test("SoftHSM2 opens what goes to Azure, and every other cell with SHA-1")
  func token() throws {
    var jobs: [ExportOracle.Job] = []
    var seen: Set<[String]> = []
    for cell in ExportRules.allCells
    where cell.wrapping.hash == .sha1 && cell.subject.type != .ed25519 {
      // Azure whole; of the others, each kind of blob once.
      let isAzure = cell.provider == .azure || cell.provider == .azureManagedHSM
      let kind: String
      switch cell.subject.type {
      case .rsa2048, .rsa3072, .rsa4096: kind = "rsa"
      case .ecP256, .ecP384, .ecP521, .ecSecp256k1: kind = "ec"
      default: kind = "raw"
      }
      let name = [
        isAzure ? cell.provider.rawValue : "", cell.subject.type.rawValue, cell.wrapping.rawValue,
        "\(cell.wrappingKeyBits)", "\(cell.subject.byteCount ?? 0)",
      ]
      guard seen.insert(name).inserted else { continue }
      let key = try Samples.wrappingKey(cell.wrappingKeyBits)
      let material = try ExportMaterial.canonical(Samples.stored(cell.subject), cell.subject.type)
      let blob = try ExportEnvelope.seal(material, cell.wrapping, to: key.publicKey())
      // Azure's HSM is given the file, not the blob.
      let kid = "https://vault.example/keys/kek/0123456789abcdef0123456789abcdef"
      let file: ExportOracle.Job =
        isAzure ? ["byok": hex(ImportBody.byok(blob, kid: kid)), "kid": kid] : ["blob": hex(blob)]
      jobs.append(
        file.merging([
          "op": "softhsm", "key": hex(try key.pkcs8().revealed()), "kind": kind,
          "material": hex(material.revealed()),
          "envelope": cell.wrapping.envelope == .direct ? "direct" : "hybrid",
        ]) { $1 }
      )
    }
    let answers = try ExportOracle.run(jobs)
    for (job, answer) in zip(jobs, answers) {
      #expect(answer["ok"] as? Bool == true, "\(job["kind"] ?? "") \(answer)")
    }
  }

  @Test("What is in no cell is refused, and every refusal has a code of the rules")
  func forbidden() throws {
    let codes: Set<ExportRefusal.Code> = [
      .keySpecUnknown, .keySpecNotImportable, .keyTypeNotImportable, .keySpecMismatch,
      .materialLength, .needsManagedHSM, .wrappingNotOffered, .wrappingNotForKey, .wrappingKeySize,
      .directOverflow,
    ]
    let allowed = Set(ExportRules.allCells)
    var refused = 0
    var seen: Set<ExportRefusal.Code> = []
    for provider in ExportProvider.allCases {
      let specs = Set(allowed.filter { $0.provider == provider }.map(\.keySpec))
      for type in KeyType.allCases {
        for spec in specs {
          for wrapping in WrappingAlgorithm.allCases {
            for bits in [1024, 2048, 3072, 4096, 8192] {
              let subject = ExportSubject(type, byteCount: type == .opaque ? 33 : nil)
              do {
                let cell = try ExportRules.cell(
                  provider,
                  subject,
                  keySpec: spec,
                  wrapping: wrapping,
                  wrappingKeyBits: bits
                )
                #expect(allowed.contains(cell) || type == .opaque, "\(cell)")
              } catch {
                refused += 1
                seen.insert(error.code)
                #expect(codes.contains(error.code))
                #expect(!error.words.isEmpty)
              }
            }
          }
        }
      }
    }
    #expect(refused > 10_000)
    #expect(
      seen.isSuperset(of: [
        .keyTypeNotImportable, .keySpecMismatch, .materialLength, .wrappingNotOffered,
        .wrappingNotForKey, .wrappingKeySize, .directOverflow, .needsManagedHSM,
      ])
    )
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let provider: ExportProvider
    let subject: ExportSubject
    let spec: String
    let wrapping: WrappingAlgorithm
    let bits: Int
    let code: ExportRefusal.Code

    init(
      _ provider: ExportProvider,
      _ type: KeyType,
      _ spec: String,
      _ wrapping: WrappingAlgorithm,
      _ bits: Int,
      _ code: ExportRefusal.Code,
      bytes: Int? = nil
    ) {
      self.provider = provider
      subject = ExportSubject(type, byteCount: bytes)
      self.spec = spec
      self.wrapping = wrapping
      self.bits = bits
      self.code = code
    }

    var testDescription: String { "\(provider) \(subject.type) \(spec) \(wrapping) \(bits)" }
  }

  /// What the providers' pages refuse, each by its name.
  static let refusals = [
    Refusal(.aws, .aes256, "SYMMETRIC_DEFAULT", .hybridSHA256, 4096, .wrappingNotForKey),
    Refusal(.aws, .hmacSHA256, "HMAC_256", .hybridSHA1, 4096, .wrappingNotForKey),
    Refusal(.aws, .rsa2048, "RSA_2048", .oaepSHA256, 4096, .wrappingNotForKey),
    Refusal(.aws, .ecP521, "ECC_NIST_P521", .oaepSHA256, 2048, .directOverflow),
    Refusal(.aws, .ecP521, "ECC_NIST_P521", .oaepSHA1, 2048, .directOverflow),
    Refusal(.aws, .ed25519, "ML_DSA_44", .hybridSHA256, 4096, .keySpecNotImportable),
    Refusal(.aws, .ed25519, "ECC_NIST_EDWARDS25519", .oaepSHA256, 4096, .keySpecNotImportable),
    Refusal(.aws, .ed25519, "ECC_NIST_P256", .oaepSHA256, 4096, .keyTypeNotImportable),
    Refusal(.aws, .opaque, "HMAC_224", .oaepSHA256, 4096, .materialLength, bytes: 27),
    Refusal(.aws, .hmacSHA256, "HMAC_256", .oaepSHA256, 4096, .materialLength, bytes: 129),
    Refusal(.aws, .aes128, "SYMMETRIC_DEFAULT", .oaepSHA256, 4096, .keyTypeNotImportable),
    Refusal(.aws, .aes256, "SYMMETRIC_DEFAULT", .aesKWP, 4096, .wrappingNotOffered),
    Refusal(.aws, .ecP256, "ECC_NIST_P384", .oaepSHA256, 4096, .keySpecMismatch),
    Refusal(.google, .hmacSHA256, "HMAC_SHA256", .oaepSHA256, 4096, .materialLength, bytes: 33),
    Refusal(.google, .ecP521, "EC_SIGN_P384_SHA384", .oaepSHA256, 4096, .keyTypeNotImportable),
    Refusal(.google, .rsa2048, "RSA_SIGN_PSS_2048_SHA256", .oaepSHA256, 4096, .wrappingNotForKey),
    Refusal(.google, .aes256, "AES_256_GCM", .oaepSHA256, 2048, .wrappingKeySize),
    Refusal(.google, .aes256, "AES_256_GCM", .oaepSHA1, 4096, .wrappingNotOffered),
    Refusal(
      .google,
      .aes256,
      "EXTERNAL_SYMMETRIC_ENCRYPTION",
      .oaepSHA256,
      4096,
      .keySpecNotImportable
    ),
    Refusal(.oci, .ecP256, "ECDSA", .hybridSHA256, 4096, .keySpecNotImportable),
    Refusal(.oci, .ecP256, "RSA", .hybridSHA256, 4096, .keyTypeNotImportable),
    Refusal(.oci, .rsa2048, "RSA", .oaepSHA256, 4096, .wrappingNotForKey),
    Refusal(.openbao, .ecSecp256k1, "ecdsa-p256", .hybridSHA256, 4096, .keyTypeNotImportable),
    Refusal(.vault, .chacha20Poly1305, "xchacha20-poly1305", .hybridSHA256, 4096, .keySpecUnknown),
    Refusal(.vault, .aes256, "aes256-gcm96", .hybridSHA256, 2048, .wrappingKeySize),
    Refusal(.vault, .aes256, "aes256-gcm96", .oaepSHA256, 4096, .wrappingNotOffered),
    Refusal(.azure, .aes256, "oct-HSM", .hybridSHA1, 4096, .needsManagedHSM),
    Refusal(.azure, .aes256, "RSA-HSM", .hybridSHA1, 4096, .needsManagedHSM),
    Refusal(.azure, .rsa2048, "RSA", .hybridSHA1, 4096, .keySpecNotImportable),
    Refusal(.azure, .rsa2048, "RSA-HSM", .hybridSHA256, 4096, .wrappingNotOffered),
    Refusal(.azureManagedHSM, .hmacSHA256, "oct-HSM", .hybridSHA1, 4096, .keyTypeNotImportable),
    Refusal(.ibm, .rsa2048, "root", .oaepSHA256, 4096, .keyTypeNotImportable),
    Refusal(.hpcs, .aes256, "root", .oaepSHA256, 4096, .wrappingNotOffered),
    Refusal(.alibaba, .aes256, "Aliyun_AES_256", .oaepSHA256, 4096, .wrappingKeySize),
    Refusal(.tencent, .aes128, "ENCRYPT_DECRYPT", .oaepSHA256, 2048, .keyTypeNotImportable),
  ]

  @Test("Forbidden cells are refused with their code", arguments: refusals)
  func refuse(_ refusal: Refusal) {
    let error = #expect(throws: ExportRefusal.self) {
      try ExportRules.cell(
        refusal.provider,
        refusal.subject,
        keySpec: refusal.spec,
        wrapping: refusal.wrapping,
        wrappingKeyBits: refusal.bits
      )
    }
    #expect(error?.code == refusal.code)
  }

  @Test("The usual way of each provider takes the strongest it has")
  func usual() throws {
    let aes = ExportSubject(.aes256)
    #expect(try ExportRules.usual(.aws, aes).wrapping == .oaepSHA256)
    #expect(try ExportRules.usual(.aws, aes).wrappingKeyBits == 4096)
    #expect(try ExportRules.usual(.aws, ExportSubject(.rsa2048)).wrapping == .hybridSHA256)
    #expect(try ExportRules.usual(.azure, ExportSubject(.ecP256)).wrapping == .hybridSHA1)
    #expect(try ExportRules.usual(.google, aes).keySpec == "GOOGLE_SYMMETRIC_ENCRYPTION")
    #expect(try ExportRules.usual(.tencent, aes).wrappingKeyBits == 2048)
    #expect(
      try ExportRules.cell(
        .aws,
        aes,
        keySpec: "SYMMETRIC_DEFAULT",
        wrapping: .oaepSHA1,
        wrappingKeyBits: 3072
      ).usesAvoidableSHA1
    )
    #expect(!(try ExportRules.usual(.azure, ExportSubject(.ecP256)).usesAvoidableSHA1))
  }
}
