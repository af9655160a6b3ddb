import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// Answers and files that a hostile provider or caller would write: none ends the process.
@Suite
struct HostileAnswerTests {
  /// A transport that answers every path with the bodies given for it, in turn.
  private actor Script: CloudTransport {
    private var answers: [(status: Int, body: String)]

    init(_ answers: [(Int, String)]) { self.answers = answers }

    func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse {
      guard !answers.isEmpty else { throw .timedOut }
      let answer = answers.removeFirst()
      return CloudResponse(status: answer.status, body: Array(answer.body.utf8))
    }
  }

  private static func session(_ answers: [(Int, String)]) -> CloudSession {
    CloudSession(
      transport: Script(answers),
      now: { Timestamp(milliseconds: 1_800_000_000_000) },
      pause: { _ in }
    )
  }

  private static func box(_ text: String) throws -> SecretBox {
    try Array(text.utf8).withUnsafeBytes { SecretBox(try SecretBytes(copying: $0)) }
  }

  @Test(arguments: [".", "..", ".vault.azure.net"])
  func `A KEK of a vault without a name is refused, and does not end the process`(
    _ host: String
  ) throws {
    let cell = try ExportRules.usual(.azure, ExportSubject(.rsa2048))
    let parameters = WrappingParameters(
      provider: .azure,
      providerKeyID: "",
      publicKey: [],
      algorithm: cell.wrapping,
      wrappingKeyID: "https://\(host)/keys/kek/0123456789abcdef0123456789abcdef"
    )
    let plan = CloudPlan(
      keySpec: cell.keySpec,
      wrapping: cell.wrapping,
      wrappingKeyBits: cell.wrappingKeyBits
    )
    let material = try SecretBytes.random(count: 16)
    var code: ExportRefusal.Code?
    do throws(ExportRefusal) {
      _ = try ExportBundle.make(
        [1, 2, 3],
        cell,
        plan,
        parameters,
        ExportBundle.Place(name: "k"),
        material: material
      )
    } catch {
      code = error.code
    }
    #expect(code == .kekUnversioned)
  }

  @Test(arguments: [
    #"{"data":{}}"#, #"{"data":{"latest_version":9223372036854775807}}"#,
    #"{"data":{"latest_version":-9223372036854775808}}"#, #"{"data":{"latest_version":7}}"#,
    #"{"data":{"latest_version":"6"}}"#,
  ])
  func `Versions of a transit engine that do not follow leave an import open`(
    _ after: String
  ) async throws {
    let destination = TransitDestination(
      .openbao,
      endpoint: "https://bao.example",
      token: try Self.box("token")
    )
    for before in ["5", "9223372036854775807"] {
      var failure: CloudFailure?
      do throws(CloudFailure) {
        _ = try await destination.deliver(
          [1],
          CloudPlan(keySpec: "hmac", wrapping: .hybridSHA256, wrappingKeyBits: 4096, name: "k"),
          WrappingParameters(
            provider: .openbao,
            providerKeyID: "k",
            publicKey: [],
            algorithm: .hybridSHA256
          ),
          Self.session([
            (200, #"{"data":{"latest_version":\#(before),"type":"hmac"}}"#), (204, ""),
            (200, after),
          ])
        )
      } catch {
        failure = error
      }
      #expect(failure?.code == .unintelligible && failure?.mayHaveActed == true, "\(before)")
    }
  }

  @Test(arguments: ["attacker.example/", "us-east-1@attacker.example/", "x.y", "US-EAST-1", ""])
  func `A Region that an answer names is asked only if it is one`(_ region: String) async throws {
    let id = String(repeating: "a", count: 64)
    let describe = """
      {"KeyMetadata":{"MultiRegionConfiguration":{"MultiRegionKeyType":"PRIMARY",\
      "ReplicaKeys":[{"Region":"\(region)","Arn":"arn:aws:kms:r:1:key/k"}]}}}
      """
    let rotations = """
      {"Rotations":[{"KeyMaterialId":"\(id)","KeyMaterialState":"PENDING_ROTATION",\
      "ImportState":"IMPORTED"}]}
      """
    let destination = AWSDestination(
      region: "us-east-1",
      credentials: AWSCredentials(accessKeyID: "AKID", secretKey: try Self.box("secret"))
    )
    var code: CloudFailure.Code?
    do throws(CloudFailure) {
      try await destination.rotate(
        "arn:aws:kms:us-east-1:1:key/k",
        Self.session([(200, describe), (200, rotations), (200, rotations), (200, "{}")])
      )
    } catch {
      code = error.code
    }
    #expect(code == .unintelligible)
  }
}
