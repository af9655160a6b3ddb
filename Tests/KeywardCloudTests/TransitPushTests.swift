import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// Exports to a strict transit engine over TLS.
@Suite("Push to OpenBao", .serialized)
struct TransitPushTests {
  static func destination(_ fake: Fake, token: SecretBox? = nil) throws -> TransitDestination {
    TransitDestination(.openbao, endpoint: fake.url, token: try token ?? fake.secret("token"))
  }

  static let types: [(KeyType, String)] = [
    (.aes128, "aes128-gcm96"), (.aes256, "aes256-gcm96"),
    (.chacha20Poly1305, "chacha20-poly1305"), (.chacha20Poly1305, "xchacha20-poly1305"),
    (.hmacSHA256, "hmac"), (.hmacSHA512, "hmac"), (.ed25519, "ed25519"), (.ecP256, "ecdsa-p256"),
    (.ecP384, "ecdsa-p384"), (.ecP521, "ecdsa-p521"), (.rsa2048, "rsa-2048"),
    (.rsa3072, "rsa-3072"), (.rsa4096, "rsa-4096"),
  ]

  static func plan(
    _ type: String,
    _ wrapping: WrappingAlgorithm = .hybridSHA256,
    name: String
  ) -> CloudPlan {
    CloudPlan(keySpec: type, wrapping: wrapping, wrappingKeyBits: 4096, name: name)
  }

  @Test("Every type arrives with identical bytes through each hash, and is proved")
  func cells() async throws {
    let fake = try Fake("openbao")
    let push = Push(destination: try Self.destination(fake), session: fake.session())
    let all: [WrappingAlgorithm] = [
      .hybridSHA256, .hybridSHA1, .hybridSHA224, .hybridSHA384, .hybridSHA512,
    ]
    for (index, (type, name)) in Self.types.enumerated() {
      let key = try TestKey(type)
      for wrapping in isLong || index == 1 ? all : [all[index % 5]] {
        let plan = Self.plan(name, wrapping, name: "key-\(index)-\(wrapping.rawValue)")
        let outcome = try await push.run(key, plan)
        #expect(try fake.material(outcome.receipt.providerKeyID) == key.hex)
        switch name {
        case "xchacha20-poly1305":
          guard case .notProvable = outcome.proof else {
            Issue.record("\(name) was \(outcome.proof)")
            continue
          }
        case "hmac": #expect(outcome.proof == .proved(by: "mac"))
        case let name where name.contains("poly1305") || name.hasPrefix("aes"):
          #expect(outcome.proof == .proved(by: "encryption"))
        default: #expect(outcome.proof == .proved(by: "public-key"))
        }
      }
    }
    _ = try fake.steps()
  }

  @Test("A second import of a name is a new version, and each version is proved for itself")
  func versions() async throws {
    let fake = try Fake("openbao")
    let push = Push(destination: try Self.destination(fake), session: fake.session())
    let plan = Self.plan("aes256-gcm96", name: "rotated")
    let old = try TestKey(.aes256)
    let new = try TestKey(.aes256)
    let first = try await push.run(old, plan)
    let second = try await push.run(new, plan)
    #expect(first.receipt.providerKeyID == "rotated/1")
    #expect(second.receipt.providerKeyID == "rotated/2")
    #expect(second.proof == .proved(by: "encryption"))
    let destination = push.destination
    let stillFirst = try await destination.prove(first.receipt, plan, old, push.session)
    #expect(stillFirst == .proved(by: "encryption"))
    let mixed = try await destination.prove(first.receipt, plan, new, push.session)
    guard case .contradicted = mixed else {
      Issue.record("the other version was \(mixed)")
      return
    }
    let third = ImportReceipt(providerKeyID: "rotated/3", state: .enabled)
    #expect(try await destination.status(of: third, push.session).state == .gone)
  }

  @Test("Wrong tokens, types, material and names have codes")
  func refusals() async throws {
    let fake = try Fake("openbao")
    let key = try TestKey(.aes256)
    let good = try Self.destination(fake)
    let session = fake.session()
    _ = try await Push(destination: good, session: session)
      .run(key, Self.plan("aes256-gcm96", name: "there"))
    let wrong = SecretBox(try SecretBytes.fixture(Array("s.CANARY".utf8)))
    let stranger = try Self.destination(fake, token: wrong)
    let curve = try TestKey(.ecP256)
    let cases: [(CloudFailure.Code, TransitDestination, TestKey, CloudPlan)] = [
      (.accessDenied, stranger, key, Self.plan("aes256-gcm96", name: "a")),
      (.unfit, good, curve, Self.plan("ecdsa-p256", name: "there")),
      (.blobRefused, good, curve, Self.plan("ecdsa-p384", name: "b")),
      (.blobRefused, good, key, Self.plan("aes128-gcm96", name: "c")),
      (.unfit, good, key, Self.plan("aes256-gcm96", name: "../../sys/seal")),
      (.unfit, good, key, Self.plan("aes256-gcm96", .oaepSHA256, name: "d")),
    ]
    for (code, destination, key, plan) in cases {
      do {
        _ = try await Push(destination: destination, session: session).run(key, plan)
        Issue.record("\(code) was not seen")
      } catch let failure as CloudFailure {
        #expect(failure.code == code, "\(failure.words)")
        #expect(!failure.words.contains("CANARY"))
      }
    }
  }
}
