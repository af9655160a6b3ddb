import Foundation
import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// Exports to a strict Cloud KMS over TLS.
@Suite("Push to Google", .serialized)
struct GooglePushTests {
  static func account(_ fake: Fake) throws -> GoogleServiceAccount {
    let file = try JSONSerialization.data(
      withJSONObject: try #require(fake.greeting["service_account"])
    )
    return try GoogleServiceAccount(json: try SecretBytes.fixture(Array(file)))
  }

  static func destination(_ fake: Fake, level: String = "HSM") throws -> GoogleDestination {
    GoogleDestination(
      ring: try fake.text("ring"),
      protectionLevel: level,
      account: try account(fake),
      endpoint: fake.url
    )
  }

  static let algorithms: [(KeyType, String)] = [
    (.aes256, "GOOGLE_SYMMETRIC_ENCRYPTION"), (.aes256, "AES_256_GCM"), (.aes128, "AES_128_GCM"),
    (.aes256, "AES_256_CBC"), (.hmacSHA256, "HMAC_SHA256"), (.hmacSHA384, "HMAC_SHA384"),
    (.hmacSHA512, "HMAC_SHA512"), (.ecP256, "EC_SIGN_P256_SHA256"),
    (.ecP384, "EC_SIGN_P384_SHA384"), (.ecSecp256k1, "EC_SIGN_SECP256K1_SHA256"),
    (.ed25519, "EC_SIGN_ED25519"), (.rsa2048, "RSA_SIGN_PSS_2048_SHA256"),
    (.rsa3072, "RSA_SIGN_PKCS1_3072_SHA256"), (.rsa4096, "RSA_DECRYPT_OAEP_4096_SHA512"),
  ]

  static func plan(
    _ algorithm: String,
    _ wrapping: WrappingAlgorithm = .hybridSHA256,
    bits: Int = 3072,
    name: String? = nil
  ) -> CloudPlan {
    CloudPlan(
      keySpec: algorithm,
      wrapping: wrapping,
      wrappingKeyBits: bits,
      name: name ?? algorithm.lowercased()
    )
  }

  @Test("Every algorithm arrives with identical bytes through each import method, and is proved")
  func cells() async throws {
    let fake = try Fake("google")
    let push = Push(destination: try Self.destination(fake), session: fake.session())
    let methods: [(WrappingAlgorithm, Int)] =
      isLong
      ? [
        (.hybridSHA1, 3072), (.hybridSHA1, 4096), (.hybridSHA256, 3072), (.hybridSHA256, 4096),
        (.oaepSHA256, 3072), (.oaepSHA256, 4096),
      ] : [(.hybridSHA256, 3072), (.oaepSHA256, 3072), (.hybridSHA1, 4096)]
    for (type, algorithm) in Self.algorithms {
      let key = try TestKey(type)
      for (wrapping, bits) in methods {
        if wrapping.envelope == .direct && algorithm.hasPrefix("RSA") { continue }
        let outcome = try await push.run(key, Self.plan(algorithm, wrapping, bits: bits))
        #expect(outcome.receipt.state == .enabled)
        #expect(try fake.material(outcome.receipt.providerKeyID) == key.hex)
        switch algorithm {
        case "GOOGLE_SYMMETRIC_ENCRYPTION", "AES_256_CBC":
          guard case .notProvable = outcome.proof else {
            Issue.record("\(algorithm) was \(outcome.proof)")
            continue
          }
        case let name where name.hasPrefix("AES"):
          #expect(outcome.proof == .proved(by: "encryption"))
        case let name where name.hasPrefix("HMAC"): #expect(outcome.proof == .proved(by: "mac"))
        default: #expect(outcome.proof == .proved(by: "public-key"))
        }
      }
    }
    let steps = try fake.steps()
    #expect(steps.filter { $0 == "token" }.count == 1)
    #expect(steps.filter { $0 == "create-importJobs" }.count == methods.count)
  }

  @Test("Many keys go through one import job")
  func batch() async throws {
    let count = isLong ? 1000 : 20
    let fake = try Fake("google")
    let destination = try Self.destination(fake)
    let session = fake.session()
    for number in 0..<count {
      let key = try TestKey(.aes256)
      let plan = Self.plan("GOOGLE_SYMMETRIC_ENCRYPTION", bits: 4096, name: "batch-\(number)")
      _ = try await Push(destination: destination, session: session).run(key, plan)
    }
    let imports = try #require(try fake.ask("imports") as? [String: Int])
    #expect(Array(imports.values) == [count])
  }

  @Test("Another key at Google contradicts, and what it cannot unwrap has a code")
  func refusals() async throws {
    let fake = try Fake("google")
    let session = fake.session()
    let destination = try Self.destination(fake)
    let push = Push(destination: destination, session: session)
    for (type, algorithm) in [
      (KeyType.hmacSHA256, "HMAC_SHA256"), (.aes256, "AES_256_GCM"), (.ed25519, "EC_SIGN_ED25519"),
    ] {
      let key = try TestKey(type)
      let plan = Self.plan(algorithm)
      let outcome = try await push.run(key, plan)
      try fake.ask("spoil", ["key": outcome.receipt.providerKeyID])
      let again = try await destination.prove(outcome.receipt, plan, key, session)
      guard case .contradicted = again else {
        Issue.record("\(algorithm) was \(again)")
        continue
      }
    }
    let plan = Self.plan("HMAC_SHA256", bits: 4096)
    let long = try TestKey(.hmacSHA512)
    // Wrapped by the hash of Google's own example instead of the job's.
    var parameters = try await destination.prepare(plan, session)
    let key = try TestKey(.hmacSHA256)
    parameters.algorithm = .hybridSHA1
    let mistaken = try key.sealed(parameters)
    for (blob, what) in [(mistaken, "SHA-1"), (try long.sealed(parameters), "64 bytes")] {
      do {
        _ = try await destination.deliver(blob, plan, parameters, session)
        Issue.record("\(what) was taken")
      } catch let failure {
        #expect(failure.code == .importFailed, "\(what): \(failure.words)")
      }
    }
    let soft = try Self.destination(fake, level: "SOFTWARE")
    do {
      _ = try await soft.prepare(plan, session)
      Issue.record("another protection level was taken")
    } catch let failure {
      #expect(failure.code == .unfit)
    }
    try fake.advance(3 * 86_400 + 1)
    let blob = try key.sealed(try await destination.prepare(plan, session))
    do {
      _ = try await destination.deliver(blob, plan, parameters, session)
      Issue.record("an expired job was taken")
    } catch let failure {
      #expect(failure.code == .refused)
    }
  }

  @Test("Key files that are none, or of another kind, are refused without a word of them")
  func keyFiles() throws {
    let texts = [
      "", "[]", "{}", "{\"type\":\"authorized_user\",\"client_id\":\"CANARY\"}",
      "{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key_id\":\"b\","
        + "\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nCANARY\\n-----END PRIVATE KEY-----\"}",
      "{\"type\":\"service_account\",\"type\":\"service_account\"}", "{\"a\":\"\\u00e9\"",
      "{\"type\":\"service_account\\", "{\"private_key\":\"\\x\",\"type\":\"service_account\"}",
      String(repeating: "[", count: 5000), "{\"a\":" + String(repeating: "[", count: 5000),
    ]
    for text in texts {
      do {
        _ = try GoogleServiceAccount(json: try SecretBytes.fixture(Array(text.utf8)))
        Issue.record("\(text.prefix(40)) was taken")
      } catch let failure as CloudFailure {
        #expect(failure.code == .credentialsMissing)
        #expect(!failure.words.contains("CANARY"))
      }
    }
  }
}
