import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// What providers are sent, against what their own clients send or read.
@Suite
struct ImportBodyTests {
  private static let blob = [UInt8](0..<200)
  private static let moment = Timestamp(milliseconds: 1_900_000_000_000)

  private static func plan(
    _ keySpec: String,
    usage: String? = nil,
    validUntil: Timestamp? = nil,
    importType: CloudPlan.ImportType? = nil,
    materialID: String? = nil,
    description: String = "",
    marker: String? = nil
  ) -> CloudPlan {
    CloudPlan(
      keySpec: keySpec,
      wrapping: .hybridSHA1,
      wrappingKeyBits: 2048,
      usage: usage,
      validUntil: validUntil,
      importType: importType,
      materialID: materialID,
      description: description,
      marker: marker
    )
  }

  @Test("AWS: botocore takes every member and writes the same request")
  func aws() throws {
    let materialID = String(repeating: "0a", count: 32)
    let plans = [
      Self.plan("RSA_2048"),
      Self.plan("RSA_2048", validUntil: Self.moment),
      Self.plan("SYMMETRIC_DEFAULT", importType: .new, description: "app/key", marker: "kw-1"),
      Self.plan(
        "SYMMETRIC_DEFAULT",
        validUntil: Self.moment,
        importType: .existing,
        materialID: materialID
      ),
      Self.plan("SYMMETRIC_DEFAULT", importType: .existing),
      Self.plan("HMAC_256", description: "not for HMAC"),
    ]
    let jobs = plans.map { plan -> ExportOracle.Job in
      let body = ImportBody.aws(
        Self.blob,
        plan,
        keyID: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        token: [1, 2, 250, 251]
      )
      return ["op": "aws_body", "body": hex(body.bytes)]
    }
    for answer in try ExportOracle.run(jobs) {
      #expect(answer["ok"] as? Bool == true, "\(answer)")
    }
  }

  struct AzureCase: Sendable {
    let plan: CloudPlan
    var options = ImportBody.AzureOptions()
  }

  private static let azureCases = [
    AzureCase(plan: plan("RSA-HSM")),
    AzureCase(plan: plan("RSA-HSM", usage: "wrapKey,unwrapKey", validUntil: moment)),
    AzureCase(
      plan: plan("EC-HSM/P-256"),
      options: ImportBody.AzureOptions(
        notBefore: Timestamp(milliseconds: 1_800_000_000_000),
        tags: [("keyward", "app/key"), ("marker", "kw-1")]
      )
    ),
    AzureCase(plan: plan("EC-HSM/P-256K", usage: "sign")),
    AzureCase(plan: plan("oct-HSM", validUntil: moment)),
    AzureCase(
      plan: plan("EC-HSM/P-521"),
      options: ImportBody.AzureOptions(
        isExportable: true,
        releasePolicy: Array(#"{"version":"1.0.0","anyOf":[]}"#.utf8)
      )
    ),
  ]

  @Test("Azure: azure-keyvault-keys sends the same JSON")
  func azure() throws {
    let jobs = Self.azureCases.map { each -> ExportOracle.Job in
      let (plan, options) = (each.plan, each.options)
      let file = ImportBody.byok(
        Self.blob,
        kid: "https://vault.vault.azure.net/keys/kek/0123456789abcdef0123456789abcdef"
      )
      let parts = plan.keySpec.split(separator: "/").map(String.init)
      let usual =
        plan.keySpec == "oct-HSM" ? "encrypt,decrypt,wrapKey,unwrapKey" : "sign,verify"
      let operations = (plan.usage ?? usual).split(separator: ",").map(String.init)
      var sent: ExportOracle.Job = ["kty": parts[0], "ops": operations]
      if parts.count > 1 { sent["crv"] = parts[1] }
      sent["nbf"] = options.notBefore.map { $0.milliseconds / 1000 }
      sent["exp"] = plan.validUntil.map { $0.milliseconds / 1000 }
      sent["exportable"] = options.isExportable
      sent["policy"] = options.releasePolicy.map(hex)
      if !options.tags.isEmpty {
        sent["tags"] = Dictionary(uniqueKeysWithValues: options.tags.map { ($0.name, $0.value) })
      }
      return [
        "op": "azure_body", "file": hex(file), "options": sent,
        "body": hex(ImportBody.azure(byok: file, plan, options).bytes),
      ]
    }
    for (index, answer) in try ExportOracle.run(jobs).enumerated() {
      #expect(answer["ok"] as? Bool == true, "case \(index): \(answer)")
    }
  }

  @Test("Google: its client's strict reader finds blob, algorithm, job and version")
  func google() throws {
    let job = "projects/p/locations/l/keyRings/r/importJobs/j"
    let version = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3"
    let specs = Set(ExportRules.allCells.filter { $0.provider == .google }.map(\.keySpec)).sorted()
    try #require(specs.count >= 20)
    var jobs: [ExportOracle.Job] = []
    for spec in specs {
      for again in [nil, version] {
        let body = ImportBody.google(Self.blob, algorithm: spec, job: job, version: again)
        jobs.append(["op": "google_body", "body": hex(body.bytes)])
      }
    }
    for (index, answer) in try ExportOracle.run(jobs).enumerated() {
      #expect(answer["blob"] as? String == hex(Self.blob), "\(answer)")
      #expect(answer["algorithm"] as? String == specs[index / 2], "\(answer)")
      #expect(answer["job"] as? String == job)
      #expect(answer["version"] as? String == (index % 2 == 0 ? "" : version))
    }
  }

  @Test("IBM: whoever has the material finds the nonce, in the form of each service")
  func ibm() throws {
    let nonce = [UInt8](1...12)
    var jobs: [ExportOracle.Job] = []
    for provider in [ExportProvider.ibm, .hpcs] {
      for count in [16, 24, 32] {
        let material = try SecretBytes.random(count: count)
        let proof = try ImportBody.IBMNonce(nonce, under: material, provider)
        jobs.append([
          "op": "ibm_nonce", "material": hex(material.revealed()), "cbc": provider == .hpcs,
          "sealed": hex(proof.ciphertext), "iv": hex(proof.iv),
        ])
      }
    }
    for (index, answer) in try ExportOracle.run(jobs).enumerated() {
      #expect(answer["nonce"] as? String == hex(nonce), "case \(index): \(answer)")
    }
  }
}
