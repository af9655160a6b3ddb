import FoundationEssentials
import KeywardModel
import Testing

@Suite("Wire types")
struct WireTests {
  @Test("Base64 is that of Foundation, for every length and both alphabets")
  func base64() {
    var random = SplitMix(state: 1)
    for count in 0...300 {
      let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      let text = Data(bytes).base64EncodedString()
      #expect(Base64.encode(bytes) == text)
      #expect(Base64.decode(text) == bytes)
      let url = Base64.encodeURL(bytes)
      #expect(Base64.decodeURL(url) == bytes)
      #expect(!url.contains { "+/=".contains($0) })
    }
  }

  @Test(
    "Another spelling of base64 is refused",
    arguments: [
      "A", "AA", "AA=", "AB==", "AAB=", "AA==\n", " AA==", "AA===", "A-A=", "====", "A=A=",
    ]
  )
  func otherSpellings(_ text: String) {
    #expect(Base64.decode(text) == nil)
  }

  @Test(
    "Padding and the other alphabet are refused in base64url",
    arguments: ["AA==", "A+", "A", "AB"]
  )
  func otherURLSpellings(_ text: String) {
    #expect(Base64.decodeURL(text) == nil)
  }

  @Test("Every error code has a status of the right class on both transports")
  func codes() {
    for code in ErrorCode.allCases {
      #expect((400...599).contains(code.httpStatus))
      #expect((1...16).contains(code.grpcStatus))
      #expect(!code.title.isEmpty)
      #expect(code.rawValue.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 })
      // UNAVAILABLE, INTERNAL and DATA_LOSS are the server's fault on both.
      if [13, 14, 15].contains(code.grpcStatus) { #expect(code.httpStatus >= 500) }
    }
  }

  @Test("What create takes is the type's tight default, and no more than the type can do")
  func create() throws {
    for type in KeyType.allCases {
      let request = CreateKeyRequest(name: "a", type: type.rawValue)
      let (_, parsed, attributes) = try request.parsed()
      #expect(parsed == type)
      #expect(attributes == KeyAttributes(operations: type.defaultOperations))
      for operation in KeyOperation.allCases {
        let wanted = CreateKeyRequest(
          name: "a",
          type: type.rawValue,
          operations: [operation.rawValue]
        )
        let isTaken = (try? wanted.parsed()) != nil
        #expect(isTaken == type.possibleOperations.contains(operation))
      }
    }
  }

  @Test(
    "Values outside their range are refused",
    arguments: [
      UpdateKeyRequest(requiredApprovals: -1), UpdateKeyRequest(requiredApprovals: 17),
      UpdateKeyRequest(rotationPeriod: 3599), UpdateKeyRequest(rotationPeriod: -1),
      UpdateKeyRequest(rotationPeriod: .max), UpdateKeyRequest(operations: ["encrypt", "encrypt"]),
      UpdateKeyRequest(operations: ["Encrypt"]), UpdateKeyRequest(operations: [""]),
      UpdateKeyRequest(allowedDestinations: ["a", "a"]),
      UpdateKeyRequest(allowedDestinations: [""]),
      UpdateKeyRequest(allowedDestinations: ["a b"]),
      UpdateKeyRequest(allowedDestinations: (0..<33).map { "\($0)" }),
    ]
  )
  func ranges(_ request: UpdateKeyRequest) {
    let start = KeyAttributes(operations: [.encrypt])
    #expect(throws: ServiceError.self) { try request.applied(to: start, of: .aes256) }
  }

  @Test("Thresholds that would make a share the whole key are refused")
  func thresholds() throws {
    for (shares, threshold) in [(0, 0), (1, 0), (2, 1), (5, 6), (256, 3), (255, 1)] {
      #expect(throws: ServiceError.self) {
        try SealRequest(seal: .shamir, shares: shares, threshold: threshold)
      }
    }
    for (shares, threshold) in [(1, 1), (2, 2), (255, 255), (5, 3)] {
      #expect(
        try SealRequest(seal: .shamir, shares: shares, threshold: threshold).shares == shares
      )
    }
  }
}
