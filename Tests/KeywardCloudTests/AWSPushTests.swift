import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardExport

/// Exports to a strict AWS over TLS.
@Suite("Push to AWS", .serialized)
struct AWSPushTests {
  static func destination(_ fake: Fake, region: String = "eu-central-1") throws -> AWSDestination {
    AWSDestination(
      region: region,
      credentials: AWSCredentials(
        accessKeyID: try fake.text("access_key"),
        secretKey: try fake.secret("secret_key"),
        sessionToken: region == "us-east-1" ? try fake.secret("session_token") : nil
      ),
      endpoint: fake.url
    )
  }

  static let specs: [(type: KeyType, spec: String, count: Int?)] = [
    (.aes256, "SYMMETRIC_DEFAULT", nil), (.opaque, "HMAC_224", 28), (.hmacSHA256, "HMAC_256", nil),
    (.hmacSHA384, "HMAC_384", nil), (.hmacSHA512, "HMAC_512", nil), (.ecP256, "ECC_NIST_P256", nil),
    (.ecP384, "ECC_NIST_P384", nil), (.ecP521, "ECC_NIST_P521", nil),
    (.ecSecp256k1, "ECC_SECG_P256K1", nil), (.rsa2048, "RSA_2048", nil),
    (.rsa3072, "RSA_3072", nil), (.rsa4096, "RSA_4096", nil),
  ]

  /// The cells of AWS's documentation for wrapping keys of `bits`.
  static func cells(bits: [Int]) -> [(KeyType, Int?, CloudPlan)] {
    var cells: [(KeyType, Int?, CloudPlan)] = []
    for (type, spec, count) in specs {
      for wrapping in [
        WrappingAlgorithm.oaepSHA1, .oaepSHA256, .hybridSHA1, .hybridSHA256,
      ] {
        let isPair = type.isKeyPair
        let isRSA = spec.hasPrefix("RSA")
        guard wrapping.envelope == .hybrid ? isPair : !isRSA else { continue }
        for bits in bits {
          if bits == 2048 && spec == "ECC_NIST_P521" && wrapping.envelope == .direct { continue }
          let plan = CloudPlan(keySpec: spec, wrapping: wrapping, wrappingKeyBits: bits)
          cells.append((type, count, plan))
        }
      }
    }
    return cells
  }

  @Test("Every cell arrives with identical bytes, and is proved where AWS lets it")
  func cells() async throws {
    let fake = try Fake("aws")
    let push = Push(
      destination: try Self.destination(fake, region: "us-east-1"),
      session: fake.session()
    )
    var keys: [String: TestKey] = [:]
    var count = 0
    for (type, size, plan) in Self.cells(bits: isLong ? [2048, 3072, 4096] : [3072]) {
      let key = try keys[plan.keySpec] ?? TestKey(type, count: size)
      keys[plan.keySpec] = key
      let outcome = try await push.run(key, plan)
      #expect(try fake.material(outcome.receipt.providerKeyID) == key.hex)
      switch plan.keySpec {
      case "SYMMETRIC_DEFAULT", "HMAC_224":
        guard case .notProvable = outcome.proof else {
          Issue.record("\(plan.keySpec) was \(outcome.proof)")
          continue
        }
      case let spec where spec.hasPrefix("HMAC"): #expect(outcome.proof == .proved(by: "mac"))
      default: #expect(outcome.proof == .proved(by: "public-key"))
      }
      #expect(outcome.receipt.state == .enabled)
      count += 1
    }
    #expect(count == (isLong ? 94 : 32))
    _ = try fake.steps()
  }

  @Test("Another key at AWS contradicts")
  func contradicted() async throws {
    let fake = try Fake("aws")
    let push = Push(destination: try Self.destination(fake), session: fake.session())
    for (type, spec) in [(KeyType.hmacSHA256, "HMAC_256"), (.ecP256, "ECC_NIST_P256")] {
      let plan = CloudPlan(keySpec: spec, wrapping: .oaepSHA256, wrappingKeyBits: 2048)
      let key = try TestKey(type)
      let outcome = try await push.run(key, plan)
      try fake.ask("spoil", ["key": outcome.receipt.providerKeyID])
      let again = try await push.destination.prove(outcome.receipt, plan, key, push.session)
      guard case .contradicted = again else {
        Issue.record("\(spec) was \(again)")
        continue
      }
    }
  }

  private static func expect(
    _ code: CloudFailure.Code,
    _ what: String,
    _ body: () async throws -> Void
  ) async {
    do {
      try await body()
      Issue.record("\(what) was taken")
    } catch let failure as CloudFailure {
      #expect(failure.code == code, "\(what): \(failure.words)")
    } catch {
      Issue.record("\(what): \(error)")
    }
  }

  @Test("The nine refusals that an emulator does not make have a code each")
  func refusals() async throws {
    let fake = try Fake("aws")
    let session = fake.session()
    let aws = try Self.destination(fake)
    let push = Push(destination: aws, session: session)
    let aes = try TestKey(.aes256)
    var plan = CloudPlan(keySpec: "SYMMETRIC_DEFAULT", wrapping: .oaepSHA256, wrappingKeyBits: 2048)

    let first = try await aws.prepare(plan, session)
    var mixed = try await aws.prepare(plan, session)
    mixed.token = first.token
    let blob = try aes.sealed(mixed)
    await Self.expect(.tokenInvalid, "a token of another key") {
      _ = try await aws.deliver(blob, plan, mixed, session)
    }
    for (seconds, what) in [(-60, "an end in the past"), (366 * 86_400, "an end too far away")] {
      var dated = plan
      dated.validUntil = fake.now.adding(seconds: Int64(seconds))
      await Self.expect(.refused, what) { _ = try await push.run(aes, dated) }
    }
    let short = try TestKey(.aes128)
    let text = try TestKey(.opaque, bytes: Array(String(repeating: "0f", count: 32).utf8))
    await Self.expect(.materialRefused, "16 bytes") { _ = try await push.run(short, plan) }
    await Self.expect(.materialRefused, "hexadecimal text") { _ = try await push.run(text, plan) }
    let curve = CloudPlan(keySpec: "ECC_NIST_P384", wrapping: .oaepSHA256, wrappingKeyBits: 3072)
    await Self.expect(.materialRefused, "another curve") {
      _ = try await push.run(try TestKey(.ecP256), curve)
    }
    let hybrid = CloudPlan(
      keySpec: "SYMMETRIC_DEFAULT",
      wrapping: .hybridSHA256,
      wrappingKeyBits: 3072
    )
    await Self.expect(.refused, "an algorithm for another key type") {
      _ = try await push.run(aes, hybrid)
    }
    await Self.expect(.unsupported, "the retired RSAES_PKCS1_V1_5") {
      _ = try await aws.api.call(
        "GetParametersForImport",
        .members([
          ("KeyId", .string(first.providerKeyID)),
          ("WrappingAlgorithm", .string("RSAES_PKCS1_V1_5")),
          ("WrappingKeySpec", .string("RSA_2048")),
        ]),
        "give the parameters",
        .always,
        session
      )
    }
    let done = try await push.run(aes, plan)
    plan.providerKeyID = done.receipt.providerKeyID
    plan.importType = .existing
    await Self.expect(.materialRefused, "other material than before") {
      _ = try await push.run(try TestKey(.aes256), plan)
    }
    let late = try await aws.prepare(plan, session)
    try fake.advance(86_401)
    let lateBlob = try aes.sealed(late)
    await Self.expect(.tokenExpired, "a token of yesterday") {
      _ = try await aws.deliver(lateBlob, plan, late, session)
    }
    var wrong = try await aws.prepare(plan, session)
    wrong.algorithm = .oaepSHA1
    let wrongBlob = try aes.sealed(wrong)
    await Self.expect(.blobRefused, "a blob under another hash") {
      _ = try await aws.deliver(wrongBlob, plan, wrong, session)
    }
    _ = try fake.steps()
  }

  @Test("Material is rotated to, and imported again by its id after it was deleted or expired")
  func rotation() async throws {
    let fake = try Fake("aws")
    let session = fake.session()
    let aws = try Self.destination(fake)
    let push = Push(destination: aws, session: session)
    let old = try TestKey(.aes256)
    let new = try TestKey(.aes256)
    var plan = CloudPlan(keySpec: "SYMMETRIC_DEFAULT", wrapping: .oaepSHA256, wrappingKeyBits: 3072)
    let first = try await push.run(old, plan).receipt
    plan.providerKeyID = first.providerKeyID
    await Self.expect(.stateRefused, "a rotation to nothing") {
      try await aws.rotate(first.providerKeyID, session)
    }
    plan.importType = .new
    plan.validUntil = fake.now.adding(seconds: 10 * 86_400)
    let second = try await push.run(new, plan).receipt
    #expect(second.state == .enabled)
    #expect(second.materialID != first.materialID)
    let rotated = try await aws.status(of: second, session)
    #expect(rotated.state == .enabled)
    #expect(rotated.materialID == second.materialID)
    #expect(rotated.validUntil != nil)
    let materials = try await aws.materials(of: first.providerKeyID, session)
    #expect(materials.map(\.state) == ["NON_CURRENT", "CURRENT"])

    try fake.advance(11 * 86_400)
    #expect(try await aws.status(of: second, session).state == .pendingImport)
    plan.importType = .existing
    plan.materialID = second.materialID
    plan.validUntil = nil
    await Self.expect(.materialRefused, "another material under that id") {
      _ = try await push.run(old, plan)
    }
    let renewed = try await push.run(new, plan)
    #expect(renewed.receipt.materialID == second.materialID)
    #expect(renewed.receipt.state == .enabled)
    // The id is what AWS says; nothing was compared.
    guard case .notProvable = renewed.proof else {
      Issue.record("the renewal was \(renewed.proof)")
      return
    }
    _ = try fake.steps()
  }

  @Test("Replicas get material after their primary, and the primary rotates last")
  func multiRegion() async throws {
    let fake = try Fake("aws")
    let session = fake.session()
    let primary = try Self.destination(fake, region: "eu-central-1")
    let replica = try Self.destination(fake, region: "eu-west-1")
    let old = try TestKey(.aes256)
    let new = try TestKey(.aes256)
    var plan = CloudPlan(
      keySpec: "SYMMETRIC_DEFAULT",
      wrapping: .oaepSHA256,
      wrappingKeyBits: 3072,
      isMultiRegion: true
    )
    let atPrimary = Push(destination: primary, session: session)
    let atReplica = Push(destination: replica, session: session)
    let first = try await atPrimary.run(old, plan).receipt
    let arn = try await primary.replicate(first.providerKeyID, to: "eu-west-1", session)
    var theirs = plan
    theirs.providerKeyID = arn
    let empty = ImportReceipt(providerKeyID: arn, state: .enabled)
    #expect(try await replica.status(of: empty, session).state == .pendingImport)
    theirs.importType = .existing
    await Self.expect(.materialRefused, "other material in a replica") {
      _ = try await atReplica.run(new, theirs)
    }
    #expect(try await atReplica.run(old, theirs).receipt.state == .enabled)

    theirs.importType = .new
    await Self.expect(.replicaOrder, "new material in a replica first") {
      _ = try await atReplica.run(new, theirs)
    }
    plan.providerKeyID = first.providerKeyID
    plan.importType = .new
    _ = try await atPrimary.run(new, plan)
    await Self.expect(.replicaOrder, "a rotation before the replica has it") {
      try await primary.rotate(first.providerKeyID, session)
    }
    theirs.importType = .existing
    _ = try await atReplica.run(new, theirs)
    await Self.expect(.replicaOrder, "a rotation of the replica") {
      try await replica.rotate(arn, session)
    }
    try await primary.rotate(first.providerKeyID, session)
    #expect(try await primary.materials(of: first.providerKeyID, session).last?.state == "CURRENT")
    _ = try fake.steps()
  }
}
