package import KeywardCrypto
package import KeywardGRPC
package import NIOCore

/// The answer of Status; `version` and `healthz` are constants of the protocol.
package struct KMSStatus: Sendable, Equatable {
  /// The `version` field; it must not change in the life of a process.
  package static let version = "v2"
  /// The `healthz` field: a plugin that must not be used answers with an error instead.
  package static let healthz = "ok"

  /// Opaque, public, 1 to 1024 bytes; changes exactly when the key version changes.
  package let keyID: String

  package init(keyID: String) {
    self.keyID = keyID
  }
}

/// The answer of Encrypt.
package struct KMSEncryption: Sendable, Equatable {
  /// 1 to 1024 bytes.
  package let ciphertext: [UInt8]
  /// What Status says at the same time.
  package let keyID: String
  /// Copied into every object by the kube-apiserver: keep it small, and equal for equal keys.
  package let annotations: [String: [UInt8]]

  package init(ciphertext: [UInt8], keyID: String, annotations: [String: [UInt8]] = [:]) {
    self.ciphertext = ciphertext
    self.keyID = keyID
    self.annotations = annotations
  }
}

/// The messages of KMS v2, read and written by hand: schema/kms/v2/api.proto.
///
/// Generated code would put the seed into an `Array`, which stays readable in the heap. Here it goes
/// from the receive buffer, which the server wipes, into locked memory and back.
package enum KMSMessages {
  /// The fields of an EncryptRequest.
  package struct EncryptRequest: ~Copyable, Sendable {
    package let plaintext: SecretBytes
    package let uid: String

    package consuming func takePlaintext() -> SecretBytes { plaintext }
  }

  /// The fields of a DecryptRequest.
  package struct DecryptRequest: Sendable, Equatable {
    package var ciphertext: [UInt8]
    package var uid: String
    package var keyID: String
    package var annotations: [String: [UInt8]]

    package init(
      ciphertext: [UInt8] = [],
      uid: String = "",
      keyID: String = "",
      annotations: [String: [UInt8]] = [:]
    ) {
      self.ciphertext = ciphertext
      self.uid = uid
      self.keyID = keyID
      self.annotations = annotations
    }
  }

  // MARK: Requests, read

  /// Checks that a StatusRequest is a message; it has no fields.
  package static func readStatusRequest(_ message: ByteBuffer) throws(KMSFailure) {
    var reader = ProtobufReader(message)
    do throws(ProtobufError) {
      while let field = try reader.nextField() { try reader.skip(field.type) }
    } catch {
      throw malformed
    }
  }

  package static func readEncryptRequest(
    _ message: ByteBuffer
  ) throws(KMSFailure)
    -> EncryptRequest
  {
    var reader = ProtobufReader(message)
    var plaintext = ByteBuffer()
    var uid = ""
    do throws(ProtobufError) {
      while let field = try reader.nextField() {
        switch field.number {
        case 1: plaintext = try reader.readBytes(field.type)
        case 2: uid = try reader.readString(field.type)
        default: try reader.skip(field.type)
        }
      }
    } catch {
      throw malformed
    }
    guard KMSLimits.plaintext.contains(plaintext.readableBytes) else {
      throw KMSFailure(.invalidArgument, "plaintext must have 1 to 1024 bytes")
    }
    try check(uid: uid)
    return EncryptRequest(plaintext: try secret(plaintext), uid: uid)
  }

  package static func readDecryptRequest(
    _ message: ByteBuffer
  ) throws(KMSFailure)
    -> DecryptRequest
  {
    var reader = ProtobufReader(message)
    var request = DecryptRequest()
    do throws(ProtobufError) {
      while let field = try reader.nextField() {
        switch field.number {
        case 1: request.ciphertext = try bytes(of: field.type, &reader)
        case 2: request.uid = try reader.readString(field.type)
        case 3: request.keyID = try reader.readString(field.type)
        case 4:
          let entry = try readEntry(try reader.readBytes(field.type))
          request.annotations[entry.name] = entry.value
        default: try reader.skip(field.type)
        }
      }
    } catch {
      throw malformed
    }
    guard KMSLimits.ciphertext.contains(request.ciphertext.count) else {
      throw KMSFailure(.invalidArgument, "ciphertext must have 1 to 1024 bytes")
    }
    guard KMSLimits.keyID.contains(request.keyID.utf8.count) else {
      throw KMSFailure(.invalidArgument, "key_id must have 1 to 1024 bytes")
    }
    guard KMSLimits.areAnnotationsValid(request.annotations) else {
      throw KMSFailure(
        .invalidArgument,
        "annotations must be named by domain names and have at most 32768 bytes"
      )
    }
    try check(uid: request.uid)
    return request
  }

  // MARK: Responses, written

  /// - Throws: `internal` when the backend's answer breaks the contract; nothing may be sent then.
  package static func writeStatusResponse(_ status: KMSStatus) throws(KMSFailure) -> GRPCMessage {
    try check(outgoing: KMSLimits.keyID.contains(status.keyID.utf8.count))
    let count =
      ProtobufWriter.fieldSize(KMSStatus.version.utf8.count)
      + ProtobufWriter.fieldSize(KMSStatus.healthz.utf8.count)
      + ProtobufWriter.fieldSize(status.keyID.utf8.count)
    return GRPCMessage(count: count) { buffer in
      ProtobufWriter.write(1, KMSStatus.version, to: &buffer)
      ProtobufWriter.write(2, KMSStatus.healthz, to: &buffer)
      ProtobufWriter.write(3, status.keyID, to: &buffer)
    }
  }

  /// - Throws: `internal` when the backend's answer breaks the contract; nothing may be sent then.
  package static func writeEncryptResponse(
    _ encryption: KMSEncryption
  ) throws(KMSFailure)
    -> GRPCMessage
  {
    try check(
      outgoing: KMSLimits.keyID.contains(encryption.keyID.utf8.count)
        && KMSLimits.ciphertext.contains(encryption.ciphertext.count)
        && KMSLimits.areAnnotationsValid(encryption.annotations)
    )
    let count =
      ProtobufWriter.fieldSize(encryption.ciphertext.count)
      + ProtobufWriter.fieldSize(encryption.keyID.utf8.count)
      + ProtobufWriter.mapSize(encryption.annotations)
    return GRPCMessage(count: count) { buffer in
      ProtobufWriter.write(1, encryption.ciphertext, to: &buffer)
      ProtobufWriter.write(2, encryption.keyID, to: &buffer)
      ProtobufWriter.write(3, encryption.annotations, to: &buffer)
    }
  }

  /// The response is wiped once it is sent.
  package static func writeDecryptResponse(_ plaintext: borrowing SecretBytes) -> GRPCMessage {
    secretField(plaintext, uid: "")
  }

  // MARK: Client side

  /// The request is wiped once it is sent.
  package static func writeEncryptRequest(
    _ plaintext: borrowing SecretBytes,
    uid: String
  )
    -> GRPCMessage
  {
    secretField(plaintext, uid: uid)
  }

  package static func writeDecryptRequest(_ request: DecryptRequest) -> GRPCMessage {
    let count =
      ProtobufWriter.fieldSize(request.ciphertext.count)
      + ProtobufWriter.fieldSize(request.uid.utf8.count)
      + ProtobufWriter.fieldSize(request.keyID.utf8.count)
      + ProtobufWriter.mapSize(request.annotations)
    return GRPCMessage(count: count) { buffer in
      ProtobufWriter.write(1, request.ciphertext, to: &buffer)
      ProtobufWriter.write(2, request.uid, to: &buffer)
      ProtobufWriter.write(3, request.keyID, to: &buffer)
      ProtobufWriter.write(4, request.annotations, to: &buffer)
    }
  }

  /// A StatusResponse as any plugin may send it.
  package struct StatusReply: Sendable, Equatable {
    package var version = ""
    package var healthz = ""
    package var keyID = ""
  }

  package static func readStatusResponse(_ message: ByteBuffer) throws(KMSFailure) -> StatusReply {
    var reader = ProtobufReader(message)
    var reply = StatusReply()
    do throws(ProtobufError) {
      while let field = try reader.nextField() {
        switch field.number {
        case 1: reply.version = try reader.readString(field.type)
        case 2: reply.healthz = try reader.readString(field.type)
        case 3: reply.keyID = try reader.readString(field.type)
        default: try reader.skip(field.type)
        }
      }
    } catch {
      throw malformed
    }
    return reply
  }

  package static func readEncryptResponse(
    _ message: ByteBuffer
  ) throws(KMSFailure)
    -> KMSEncryption
  {
    var reader = ProtobufReader(message)
    var ciphertext: [UInt8] = []
    var keyID = ""
    var annotations: [String: [UInt8]] = [:]
    do throws(ProtobufError) {
      while let field = try reader.nextField() {
        switch field.number {
        case 1: ciphertext = try bytes(of: field.type, &reader)
        case 2: keyID = try reader.readString(field.type)
        case 3:
          let entry = try readEntry(try reader.readBytes(field.type))
          annotations[entry.name] = entry.value
        default: try reader.skip(field.type)
        }
      }
    } catch {
      throw malformed
    }
    return KMSEncryption(ciphertext: ciphertext, keyID: keyID, annotations: annotations)
  }

  package static func readDecryptResponse(_ message: ByteBuffer) throws(KMSFailure) -> SecretBytes {
    var reader = ProtobufReader(message)
    var plaintext = ByteBuffer()
    do throws(ProtobufError) {
      while let field = try reader.nextField() {
        switch field.number {
        case 1: plaintext = try reader.readBytes(field.type)
        default: try reader.skip(field.type)
        }
      }
    } catch {
      throw malformed
    }
    return try secret(plaintext)
  }

  // MARK: Parts

  private static let malformed = KMSFailure(.invalidArgument, "the message is malformed")

  /// A message whose field 1 is secret and whose field 2 may be a uid.
  private static func secretField(_ secret: borrowing SecretBytes, uid: String) -> GRPCMessage {
    let count =
      ProtobufWriter.fieldSize(secret.count) + ProtobufWriter.fieldSize(uid.utf8.count)
    return secret.withUnsafeBytes { bytes in
      GRPCMessage(count: count, isSecret: true) { buffer in
        if !bytes.isEmpty {
          ProtobufWriter.writeHeader(1, count: bytes.count, to: &buffer)
          buffer.writeBytes(bytes)
        }
        ProtobufWriter.write(2, uid, to: &buffer)
      }
    }
  }

  private static func secret(_ bytes: ByteBuffer) throws(KMSFailure) -> SecretBytes {
    do throws(CryptoError) {
      var secret = try SecretBytes(count: bytes.readableBytes)
      bytes.withUnsafeReadableBytes { source in
        secret.withUnsafeMutableBytes { $0.copyMemory(from: source) }
      }
      return secret
    } catch {
      throw KMSFailure(.unavailable, "no locked memory left; raise RLIMIT_MEMLOCK")
    }
  }

  private static func bytes(
    of type: ProtobufReader.WireType,
    _ reader: inout ProtobufReader
  ) throws(ProtobufError) -> [UInt8] {
    Array(buffer: try reader.readBytes(type))
  }

  /// One entry of a `map<string, bytes>`.
  private static func readEntry(
    _ entry: ByteBuffer
  ) throws(ProtobufError)
    -> (name: String, value: [UInt8])
  {
    var reader = ProtobufReader(entry)
    var name = ""
    var value: [UInt8] = []
    while let field = try reader.nextField() {
      switch field.number {
      case 1: name = try reader.readString(field.type)
      case 2: value = try bytes(of: field.type, &reader)
      default: try reader.skip(field.type)
      }
    }
    return (name, value)
  }

  private static func check(uid: String) throws(KMSFailure) {
    guard KMSLimits.uid.contains(uid.utf8.count) else {
      throw KMSFailure(.invalidArgument, "uid must have at most 1024 bytes")
    }
  }

  private static func check(outgoing isValid: Bool) throws(KMSFailure) {
    guard isValid else {
      throw KMSFailure(.internal, "the key service made an answer outside the limits of KMS v2")
    }
  }
}
