import KeywardCrypto
import KeywardGRPC
import KeywardKMSPlugin
import NIOCore
import Testing

@Suite
struct KMSMessagesTests {
  private typealias DecryptRequest = KMSMessages.DecryptRequest

  @Test
  func readsADecryptRequest() throws {
    let request = try KMSMessages.readDecryptRequest(
      ByteBuffer(bytes: [
        0x0A, 2, 7, 8,
        0x12, 1, 0x75,
        0x1A, 1, 0x6B,
        0x22, 8, 0x0A, 3, 0x61, 0x2E, 0x62, 0x12, 1, 9,
      ])
    )
    #expect(
      request
        == DecryptRequest(ciphertext: [7, 8], uid: "u", keyID: "k", annotations: ["a.b": [9]])
    )
  }

  @Test
  func readsAnEncryptRequestIntoSecretMemory() throws {
    let request = try KMSMessages.readEncryptRequest(
      ByteBuffer(bytes: [0x0A, 3, 1, 2, 3, 0x12, 1, 0x75])
    )
    let uid = request.uid
    #expect(uid == "u")
    let plaintext = request.takePlaintext().revealed()
    #expect(plaintext == [1, 2, 3])
  }

  @Test
  func theLastOfARepeatedFieldCounts() throws {
    let request = try KMSMessages.readDecryptRequest(
      ByteBuffer(bytes: [0x0A, 1, 1, 0x0A, 2, 2, 2, 0x1A, 1, 0x61, 0x1A, 1, 0x62])
    )
    #expect(request.ciphertext == [2, 2])
    #expect(request.keyID == "b")
    let encrypt = try KMSMessages.readEncryptRequest(
      ByteBuffer(bytes: [0x0A, 1, 1, 0x0A, 2, 2, 2])
    )
    let plaintext = encrypt.takePlaintext().revealed()
    #expect(plaintext == [2, 2])
  }

  @Test
  func unknownFieldsArePassedOver() throws {
    let unknown: [UInt8] = [
      0x28, 0xFF, 0x01,  // field 5, varint
      0x31, 1, 2, 3, 4, 5, 6, 7, 8,  // field 6, fixed64
      0x3A, 2, 9, 9,  // field 7, bytes
      0x45, 1, 2, 3, 4,  // field 8, fixed32
      0xF8, 0xFF, 0xFF, 0xFF, 0x0F, 0,  // the largest field number
    ]
    let request = try KMSMessages.readDecryptRequest(
      ByteBuffer(bytes: unknown + [0x0A, 1, 1, 0x1A, 1, 0x6B] + unknown)
    )
    #expect(request == DecryptRequest(ciphertext: [1], keyID: "k"))
    try KMSMessages.readStatusRequest(ByteBuffer(bytes: unknown))
  }

  @Test(
    arguments: [
      [0x0A],  // no length
      [0x0A, 5, 1],  // longer than the message
      [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],  // 2^64 - 1 bytes
      [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],  // 2^63 - 1 bytes
      [0x0A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],  // eleven bytes
      [0x28, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],  // more than 64 bits
      [0x28, 0x80],  // unfinished varint
      [0x80],  // unfinished tag
      [0x00],  // field 0
      [0x02, 0],  // field 0
      [0x80, 0x80, 0x80, 0x80, 0x10, 0],  // field 2^29
      [0x08, 1],  // ciphertext as varint
      [0x10, 1],  // uid as varint
      [0x0D, 1, 2, 3, 4],  // ciphertext as fixed32
      [0x0B, 0x0C],  // group
      [0x2B, 0x2C], [0x2E], [0x2F],  // group and unknown wire types
      [0x31, 1, 2, 3],  // short fixed64
      [0x35, 1],  // short fixed32
      [0x12, 1, 0xFF],  // uid is not UTF-8
      [0x1A, 2, 0xC3, 0x28],  // key_id is not UTF-8
      [0x1A, 3, 0xED, 0xA0, 0x80],  // a surrogate
      [0x22, 1, 0x0A],  // broken map entry
      [0x22, 3, 0x0A, 1, 0xFF],  // map key is not UTF-8
    ] as [[UInt8]]
  )
  func refusesMalformedRequests(bytes: [UInt8]) {
    let valid: [UInt8] = [0x0A, 1, 1, 0x1A, 1, 0x6B]
    let error = #expect(throws: KMSFailure.self) {
      try KMSMessages.readDecryptRequest(ByteBuffer(bytes: valid + bytes))
    }
    #expect(error == KMSFailure(.invalidArgument, "the message is malformed"))
  }

  @Test
  func everyPrefixOfARequestIsReadOrRefused() throws {
    let whole = message(
      KMSMessages.writeDecryptRequest(
        .init(ciphertext: [1, 2, 3], uid: "u", keyID: "k", annotations: ["a.b": [1], "c.d": []])
      )
    )
    for count in 0..<whole.readableBytes {
      let prefix = try #require(whole.getSlice(at: whole.readerIndex, length: count))
      _ = try? KMSMessages.readDecryptRequest(prefix)
      _ = try? KMSMessages.readEncryptRequest(prefix)
    }
  }

  @Test(arguments: [0, 1, 127, 128, 129, 1023, 1024])
  func requestsSurviveARoundTrip(count: Int) throws {
    let request = DecryptRequest(
      ciphertext: [UInt8](repeating: 7, count: max(count, 1)),
      uid: String(repeating: "u", count: count),
      keyID: String(repeating: "k", count: max(count, 1)),
      annotations: ["a.b": [UInt8](repeating: 9, count: count), "c.d": []]
    )
    let read = try KMSMessages.readDecryptRequest(
      message(KMSMessages.writeDecryptRequest(request))
    )
    #expect(read == request)
    let secret = try SecretBytes.random(count: max(count, 1))
    let encrypt = try KMSMessages.readEncryptRequest(
      message(KMSMessages.writeEncryptRequest(secret, uid: request.uid))
    )
    let uid = encrypt.uid
    #expect(uid == request.uid)
    let isEqual = encrypt.takePlaintext().constantTimeEquals(secret)
    #expect(isEqual)
  }

  @Test
  func responsesSurviveARoundTrip() throws {
    let status = try KMSMessages.readStatusResponse(
      message(try KMSMessages.writeStatusResponse(KMSStatus(keyID: "k")))
    )
    #expect([status.version, status.healthz, status.keyID] == ["v2", "ok", "k"])
    let encryption = KMSEncryption(ciphertext: [1], keyID: "k", annotations: ["a.b": [2]])
    let read = try KMSMessages.readEncryptResponse(
      message(try KMSMessages.writeEncryptResponse(encryption))
    )
    #expect(read == encryption)
    let secret = try SecretBytes.random(count: 32)
    let opened = try KMSMessages.readDecryptResponse(
      message(KMSMessages.writeDecryptResponse(secret))
    )
    let isEqual = opened.constantTimeEquals(secret)
    #expect(isEqual)
  }

  @Test(arguments: [
    (KMSEncryption(ciphertext: [1], keyID: "k"), true),
    (KMSEncryption(ciphertext: [], keyID: "k"), false),
    (KMSEncryption(ciphertext: [1], keyID: ""), false),
    (KMSEncryption(ciphertext: [UInt8](repeating: 1, count: 1024), keyID: "k"), true),
    (KMSEncryption(ciphertext: [UInt8](repeating: 1, count: 1025), keyID: "k"), false),
    (KMSEncryption(ciphertext: [1], keyID: String(repeating: "k", count: 1024)), true),
    (KMSEncryption(ciphertext: [1], keyID: String(repeating: "k", count: 1025)), false),
    (encryption(annotationBytes: 32_768), true),
    (encryption(annotationBytes: 32_769), false),
    (KMSEncryption(ciphertext: [1], keyID: "k", annotations: ["local": []]), false),
  ])
  func answersAreCheckedBeforeTheyAreSent(encryption: KMSEncryption, isValid: Bool) {
    var code: KMSFailure.Code?
    do throws(KMSFailure) {
      _ = try KMSMessages.writeEncryptResponse(encryption)
    } catch {
      code = error.code
    }
    #expect(code == (isValid ? nil : .internal))
  }

  private static func encryption(annotationBytes: Int) -> KMSEncryption {
    KMSEncryption(
      ciphertext: [1],
      keyID: "k",
      annotations: ["a.b": [UInt8](repeating: 0, count: annotationBytes - 3)]
    )
  }

  /// The payload of a framed message.
  private func message(_ message: GRPCMessage) -> ByteBuffer {
    message.payload
  }
}
