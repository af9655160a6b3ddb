import Foundation
import KeywardCrypto
import KeywardModel

/// The readers of stored secrets and of the frames in which values travel.
extension PipelineFuzzTargets {
  /// Reads the records of secrets and environments; what is taken is written and read the same again.
  package static func secretRecord(_ bytes: [UInt8]) {
    if let secret = Secret(decoding: bytes) {
      precondition(Secret(decoding: secret.encoded)?.encoded == secret.encoded)
      precondition(secret.versions.allSatisfy { secret.version($0.number)?.number == $0.number })
    }
    if let environment = Environment(decoding: bytes) {
      precondition(Environment(decoding: environment.encoded)?.encoded == environment.encoded)
    }
  }

  /// Takes a frame apart as the server and the command do; the parts are the whole.
  package static func secretFrame(_ bytes: [UInt8]) {
    guard let frame = try? SecretBytes.fixture(bytes),
      let head = try? SecretFrame.head(of: frame, limit: SecretLimits.headBytes)
    else { return }
    let data = Data(head)
    let answer = try? JSONDecoder().decode(FetchSecretsHead.self, from: data)
    let request = try? JSONDecoder().decode(PutSecretRequest.self, from: data)
    for lengths in [answer?.lengths, request?.fields.map(\.length)] {
      guard let lengths,
        let values = try? SecretFrame.values(of: frame, headCount: head.count, lengths: lengths)
      else { continue }
      precondition(values.map { $0.bytes.count } == lengths)
      guard let again = try? SecretFrame.write(head: head, values: values) else { continue }
      precondition(again.revealed() == bytes)
    }
    if let answer { _ = SecretPlan(answer, wanted: [:]).refusalWords }
  }
}
