import Foundation
import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

/// Signatures of AWS against the suite of AWS and against botocore.
@Suite("SigV4")
struct SigV4Tests {
  /// A request with the signature that a third party made.
  private struct Case: Decodable {
    let method: String
    let path: String
    let query: String
    let headers: [[String]]
    let body: String
    let token: String?
    let authorization: String
    let name: String?
    let accessKey: String?
    let secretKey: String?
    let region: String?
    let service: String?
    let milliseconds: Int64?
  }

  private struct Suite: Decodable {
    let accessKey: String
    let secretKey: String
    let region: String
    let service: String
    let milliseconds: Int64
    let cases: [Case]
  }

  private static func box(_ text: String) throws -> SecretBox {
    SecretBox(try SecretBytes.fixture(Array(text.utf8)))
  }

  private static func authorization(_ test: Case, body: [UInt8], suite: Suite?) throws -> String? {
    let credentials = AWSCredentials(
      accessKeyID: try #require(test.accessKey ?? suite?.accessKey),
      secretKey: try box(try #require(test.secretKey ?? suite?.secretKey)),
      sessionToken: try test.token.map(box)
    )
    let signer = SigV4(
      credentials,
      region: try #require(test.region ?? suite?.region),
      service: try #require(test.service ?? suite?.service)
    )
    let request = SigV4.Request(
      test.method,
      test.path,
      query: test.query,
      headers: test.headers.map { ($0[0], $0[1]) },
      body: body
    )
    let moment = try #require(test.milliseconds ?? suite?.milliseconds)
    let signature = try signer.sign(request, at: Timestamp(milliseconds: moment))
    #expect((signature.token == nil) == (test.token == nil))
    // The token is nowhere but in the arena.
    // A short one can be part of anything.
    if let token = test.token, token.count >= 16 {
      #expect(!signature.headers.contains { $0.value.contains(token) })
    }
    return signature.headers.first { $0.name == "Authorization" }?.value
  }

  @Test("All 34 cases of the suite of AWS")
  func suite() throws {
    let file = Python.root.appendingPathComponent("Tests/Vectors/sigv4/aws-suite.json")
    let suite = try JSONDecoder().decode(Suite.self, from: Data(contentsOf: file))
    #expect(suite.cases.count == 34)
    for test in suite.cases {
      let found = try Self.authorization(test, body: Array(test.body.utf8), suite: suite)
      #expect(found == test.authorization, "\(test.name ?? "")")
    }
  }

  @Test("1,000 random requests, half of them with a session token, as botocore signs them")
  func botocore() throws {
    let seed = UInt32.random(in: 0...UInt32.max)
    let lines = try Python.lines("Oracles/sigv4_oracle.py", "\(seed)", "1000")
    #expect(lines.count == 1000)
    var withToken = 0
    for (index, line) in lines.enumerated() {
      let test = try JSONDecoder().decode(Case.self, from: Data(line.utf8))
      let body = stride(from: 0, to: test.body.count, by: 2).map { offset -> UInt8 in
        let digits = Array(test.body.utf8)[offset..<(offset + 2)]
        return UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
      }
      let found = try Self.authorization(test, body: body, suite: nil)
      #expect(found == test.authorization, "seed \(seed), request \(index)")
      if test.token != nil { withToken += 1 }
    }
    #expect(withToken > 300)
  }
}
