import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// The whole exchange with LocalStack's KMS, which unwraps what it is sent.
///
/// It takes 90 seconds to install, so it is part of the long form: KEYWARD_LONG=1.
@Suite("Push to LocalStack", .serialized, .enabled(if: isLong, "set KEYWARD_LONG=1"))
struct LocalStackTests {
  @Test("All 25 cells that it supports arrive, and each is proved")
  func cells() async throws {
    let emulator = try Fake("localstack")
    if let reason = emulator.greeting["unavailable"] as? String {
      withKnownIssue("NOT TRIED: \(reason)") { Issue.record("\(reason)") }
      return
    }
    let destination = AWSDestination(
      region: "eu-central-1",
      credentials: AWSCredentials(
        accessKeyID: try emulator.text("access_key"),
        secretKey: try emulator.secret("secret_key")
      ),
      endpoint: emulator.url
    )
    let push = Push(destination: destination, session: emulator.session(timeout: 60_000))
    var counts: [WrappingAlgorithm: Int] = [:]
    for (type, size, plan) in AWSPushTests.cells(bits: [3072]) where plan.wrapping != .hybridSHA1 {
      let key = try TestKey(type, count: size)
      let outcome = try await push.run(key, plan)
      let id = outcome.receipt.providerKeyID
      #expect(outcome.receipt.state == .enabled, "\(plan)")
      switch plan.keySpec {
      case "SYMMETRIC_DEFAULT":
        let opens = try emulator.ask("opens", ["key": id, "material": key.hex]) as? Bool
        #expect(opens == true, "\(plan)")
      case "HMAC_224":
        // Keyward makes no MACs with SHA-224, and says so.
        guard case .notProvable = outcome.proof else {
          Issue.record("\(plan): \(outcome.proof)")
          continue
        }
      case let spec where spec.hasPrefix("HMAC"): #expect(outcome.proof == .proved(by: "mac"))
      default: #expect(outcome.proof == .proved(by: "public-key"))
      }
      counts[plan.wrapping, default: 0] += 1
    }
    #expect(counts == [.oaepSHA1: 9, .oaepSHA256: 9, .hybridSHA256: 7])
  }
}
