package import KeywardCrypto
package import KeywardGRPC
package import KeywardSystem
package import NIOCore

/// A client of any KMS v2 plugin, as a kube-apiserver is one; one connection, many calls.
package final class KMSClient: Sendable {
  private let client: GRPCClient
  private let statusMethod: GRPCClientMethod
  private let encryptMethod: GRPCClientMethod
  private let decryptMethod: GRPCClientMethod
  private let echoMethod: GRPCClientMethod

  /// Connects to a plugin.
  ///
  /// - Parameters:
  ///   - endpoint: the plugin's socket.
  ///   - eventLoop: where the connection runs.
  ///   - timeout: of each call; a kube-apiserver's default is 3 s.
  ///   - authority: the `:authority` to send.
  /// - Throws: `SystemError` when nobody listens.
  package init(
    _ endpoint: UnixEndpoint,
    on eventLoop: any EventLoop,
    timeout: TimeAmount = .seconds(3),
    authority: String = "localhost"
  ) async throws {
    client = try await GRPCClient.start(
      connected: try UnixSocket.connect(to: endpoint),
      on: eventLoop
    )
    func method(_ path: String) -> GRPCClientMethod {
      GRPCClientMethod(path: path, timeout: timeout, authority: authority)
    }
    statusMethod = method(KMSService.statusPath)
    encryptMethod = method(KMSService.encryptPath)
    decryptMethod = method(KMSService.decryptPath)
    echoMethod = method(KMSService.echoPath)
  }

  /// Asks for version, health and key id, as the plugin sends them.
  package func status() async throws(GRPCStatus) -> KMSMessages.StatusReply {
    try await client.call(
      statusMethod,
      .empty,
      decode: Self.reading(KMSMessages.readStatusResponse)
    )
  }

  /// Has a secret encrypted.
  package func encrypt(
    _ plaintext: borrowing SecretBytes,
    uid: String
  ) async throws(GRPCStatus) -> KMSEncryption {
    try await client.call(
      encryptMethod,
      KMSMessages.writeEncryptRequest(plaintext, uid: uid),
      decode: Self.reading(KMSMessages.readEncryptResponse)
    )
  }

  /// Has a ciphertext decrypted.
  package func decrypt(_ request: KMSMessages.DecryptRequest) async throws(GRPCStatus) -> SecretBox
  {
    try await client.call(
      decryptMethod,
      KMSMessages.writeDecryptRequest(request),
      decode: Self.reading { bytes throws(KMSFailure) in
        SecretBox(try KMSMessages.readDecryptResponse(bytes))
      }
    )
  }

  /// The call that `Operation` stands for, without waiting; for load generators.
  ///
  /// The completion runs on the event loop with the bytes of the response message.
  package func start(_ operation: Operation, completion: @escaping GRPCClient.Completion) {
    switch operation {
    case .status: client.call(statusMethod, .empty, completion: completion)
    case .encrypt(let message): client.call(encryptMethod, message, completion: completion)
    case .decrypt(let message): client.call(decryptMethod, message, completion: completion)
    case .echo(let message): client.call(echoMethod, message, completion: completion)
    }
  }

  /// A call with its request, which may be sent many times when it is not secret.
  package enum Operation: Sendable {
    case status
    case encrypt(GRPCMessage)
    case decrypt(GRPCMessage)
    case echo(GRPCMessage)
  }

  /// Closes the connection.
  package func close() async {
    await client.close()
  }

  private static func reading<Response>(
    _ read: @escaping @Sendable (ByteBuffer) throws(KMSFailure) -> Response
  ) -> @Sendable (ByteBuffer) throws(GRPCStatus) -> Response {
    { bytes throws(GRPCStatus) in
      do throws(KMSFailure) {
        return try read(bytes)
      } catch {
        throw GRPCStatus(.internal, "the plugin's response is malformed")
      }
    }
  }
}
