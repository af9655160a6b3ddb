import KeywardCrypto
import KeywardGRPC
import KeywardSystem
import NIOCore
import Synchronization

/// The methods of `v2.KeyManagementService` over a backend: read, ask, check, write.
final class KMSService: Sendable {
  static let statusPath = "/v2.KeyManagementService/Status"
  static let encryptPath = "/v2.KeyManagementService/Encrypt"
  static let decryptPath = "/v2.KeyManagementService/Decrypt"
  /// Answers with its request; only there for benchmarks.
  static let echoPath = "/keyward.Echo/Echo"

  /// Annotations of 32 KiB in the shortest names, with their framing, stay below this.
  private static let largestRequest = 1 << 18

  let counters = KMSPluginCounters()
  private let backend: any KeyManagementBackend

  init(_ backend: any KeyManagementBackend) {
    self.backend = backend
  }

  func methods(withEcho: Bool) -> [String: GRPCMethod] {
    var methods = [
      Self.statusPath: method { service, message, call throws(KMSFailure) in
        try service.status(message, call)
      },
      Self.encryptPath: method { service, message, call throws(KMSFailure) in
        try service.encrypt(message, call)
      },
      Self.decryptPath: method { service, message, call throws(KMSFailure) in
        try service.decrypt(message, call)
      },
    ]
    if withEcho { methods[Self.echoPath] = .echo }
    return methods
  }

  private func method(
    _ body: @escaping @Sendable (KMSService, ByteBuffer, GRPCCall) throws(KMSFailure) -> Void
  ) -> GRPCMethod {
    GRPCMethod(largestRequest: Self.largestRequest) { message, call in
      do throws(KMSFailure) {
        try body(self, message, call)
      } catch {
        self.counters.refusedRequests.add(1, ordering: .relaxed)
        call.fail(error.status)
      }
    }
  }

  private func status(_ message: ByteBuffer, _ call: GRPCCall) throws(KMSFailure) {
    try KMSMessages.readStatusRequest(message)
    let result = backend.status(connection(of: call))
    counters.status.count(answer(call, result, KMSMessages.writeStatusResponse))
  }

  private func encrypt(_ message: ByteBuffer, _ call: GRPCCall) throws(KMSFailure) {
    let request = try KMSMessages.readEncryptRequest(message)
    let uid = request.uid
    backend.encrypt(
      connection(of: call),
      plaintext: request.takePlaintext(),
      uid: uid
    ) { result in
      self.counters.encrypt.count(self.answer(call, result, KMSMessages.writeEncryptResponse))
    }
  }

  private func decrypt(_ message: ByteBuffer, _ call: GRPCCall) throws(KMSFailure) {
    let request = try KMSMessages.readDecryptRequest(message)
    backend.decrypt(
      connection(of: call),
      ciphertext: request.ciphertext,
      keyID: request.keyID,
      annotations: request.annotations,
      uid: request.uid
    ) { result in
      let isSuccess = self.answer(call, result) { box throws(KMSFailure) in
        KMSMessages.writeDecryptResponse(box.bytes)
      }
      self.counters.decrypt.count(isSuccess)
    }
  }

  /// Answers the call; false when it was answered with an error.
  private func answer<Value>(
    _ call: GRPCCall,
    _ result: Result<Value, KMSFailure>,
    _ write: (Value) throws(KMSFailure) -> GRPCMessage
  ) -> Bool {
    switch result {
    case .failure(let failure):
      call.fail(failure.status)
      return false
    case .success(let value):
      do throws(KMSFailure) {
        call.respond(try write(value))
        return true
      } catch {
        counters.invalidAnswers.add(1, ordering: .relaxed)
        call.fail(error.status)
        return false
      }
    }
  }

  /// The backend's view of the connection, made at its first call.
  private func connection(of call: GRPCCall) -> KMSConnection {
    if let known = call.connection.storage as? KMSConnection { return known }
    let peer = call.connection.peer
    let connection = KMSConnection(
      peer: PeerCredentials(pid: peer.pid, uid: peer.uid, gid: peer.gid),
      id: call.connection.id
    )
    call.connection.storage = connection
    return connection
  }
}
