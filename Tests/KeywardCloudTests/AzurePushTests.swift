import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// Exports to a strict vault, and to a strict Managed HSM, over TLS.
@Suite("Push to Azure", .serialized)
struct AzurePushTests {
  static func destination(
    _ fake: Fake,
    managed: Bool = false,
    kek: String = "byok-kek",
    secret: SecretBox? = nil
  ) throws -> AzureDestination {
    AzureDestination(
      vault: fake.url,
      isManagedHSM: managed,
      kek: kek,
      credentials: AzureCredentials(
        tenantID: try fake.text("tenant"),
        clientID: try fake.text("client_id"),
        clientSecret: try secret ?? fake.secret("client_secret")
      ),
      loginURL: fake.url
    )
  }

  static let pairs: [(KeyType, String)] = [
    (.rsa2048, "RSA-HSM"), (.rsa3072, "RSA-HSM"), (.rsa4096, "RSA-HSM"),
    (.ecP256, "EC-HSM/P-256"), (.ecP384, "EC-HSM/P-384"), (.ecP521, "EC-HSM/P-521"),
    (.ecSecp256k1, "EC-HSM/P-256K"),
  ]

  static func plan(_ spec: String, _ name: String = "exported", bits: Int = 4096) -> CloudPlan {
    CloudPlan(keySpec: spec, wrapping: .hybridSHA1, wrappingKeyBits: bits, name: name)
  }

  @Test("Every key pair arrives in a vault with identical bytes, and is proved")
  func pairs() async throws {
    let fake = try Fake("azure")
    let push = Push(destination: try Self.destination(fake), session: fake.session())
    for (type, spec) in Self.pairs {
      let key = try TestKey(type)
      let outcome = try await push.run(key, Self.plan(spec))
      #expect(try fake.material(outcome.receipt.providerKeyID) == key.hex)
      #expect(outcome.proof == .proved(by: "public-key"))
      let status = try await push.destination.status(of: outcome.receipt, push.session)
      #expect(status.state == .enabled)
      if type == .rsa4096 && !isLong { continue }
      try fake.ask("spoil", ["key": outcome.receipt.providerKeyID])
      let again = try await push.destination.prove(
        outcome.receipt,
        Self.plan(spec),
        key,
        push.session
      )
      guard case .contradicted = again else {
        Issue.record("\(spec) was \(again)")
        continue
      }
    }
    let steps = try fake.steps()
    #expect(steps.filter { $0 == "token" }.count == 1)
  }

  @Test("AES keys go into a Managed HSM alone, and are proved by what it encrypts")
  func managed() async throws {
    let fake = try Fake("azure")
    let key = try TestKey(.aes256)
    await #expect(throws: CloudFailure.self) {
      let vault = Push(destination: try Self.destination(fake), session: fake.session())
      _ = try await vault.run(key, Self.plan("oct-HSM"))
    }
    try fake.ask("manage")
    let push = Push(destination: try Self.destination(fake, managed: true), session: fake.session())
    for type in [KeyType.aes256, .aes128] {
      let key = try TestKey(type)
      let outcome = try await push.run(key, Self.plan("oct-HSM"))
      #expect(try fake.material(outcome.receipt.providerKeyID) == key.hex)
      #expect(outcome.proof == .proved(by: "encryption"))
    }
    _ = try fake.steps()
  }

  @Test("The wrapping key is made where there is none, and refused where it is unfit")
  func wrappingKey() async throws {
    let fake = try Fake("azure")
    let key = try TestKey(.ecP256)
    let plan = Self.plan("EC-HSM/P-256", bits: 3072)
    let fresh = Push(
      destination: try Self.destination(fake, kek: "made-here"),
      session: fake.session()
    )
    #expect(try await fresh.run(key, plan).proof == .proved(by: "public-key"))
    #expect(try await fresh.run(key, plan).proof == .proved(by: "public-key"))
    #expect(try fake.steps().filter { $0 == "create" }.count == 1)

    try fake.ask(
      "make_kek",
      ["name": "other-ops", "bits": 3072, "operations": ["import", "sign"]]
    )
    for (kek, bits) in [("other-ops", 3072), ("byok-kek", 3072)] {
      do {
        let destination = try Self.destination(fake, kek: kek)
        let push = Push(destination: destination, session: fake.session())
        _ = try await push.run(key, Self.plan("EC-HSM/P-256", bits: bits))
        Issue.record("\(kek) was taken")
      } catch let failure as CloudFailure {
        #expect(failure.code == .wrappingKeyUnfit)
      }
    }
  }

  @Test("A wrong secret, a wrong curve and a name that is none have codes")
  func refusals() async throws {
    let fake = try Fake("azure")
    let key = try TestKey(.ecP256)
    let wrong = SecretBox(try SecretBytes.fixture(Array("CANARY-wrong".utf8)))
    let cases: [(CloudFailure.Code, SecretBox?, CloudPlan)] = [
      (.credentialsRefused, wrong, Self.plan("EC-HSM/P-256")),
      (.refused, nil, Self.plan("EC-HSM/P-384")),
      (.unfit, nil, Self.plan("EC-HSM/P-256", "../../secrets")),
    ]
    for (code, secret, plan) in cases {
      do {
        let destination = try Self.destination(fake, secret: secret)
        _ = try await Push(destination: destination, session: fake.session()).run(key, plan)
        Issue.record("\(code) was not seen")
      } catch let failure as CloudFailure {
        #expect(failure.code == code, "\(failure.words)")
        #expect(!failure.words.contains("CANARY"))
      }
    }
  }
}
