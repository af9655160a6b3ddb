package import KeywardCrypto
package import KeywardModel
package import KeywardService
import KeywardSystem
import Synchronization

/// The plugin inside the server: a KMS socket's calls as use cases of the service.
///
/// The caller is the socket's own principal, allowed one key, or the one that the configuration
/// gives it, which policy decides about. Its uid and pid are the kernel's word on who connected.
package final class ServiceBackend: KeyManagementBackend {
  private let service: KeywardService
  private let key: KeyName
  private let principal: Principal
  private let calls = Atomic<UInt64>(0)

  /// Serves `key` of `service` as a principal; without one, as the key's own, of its name.
  package init(service: KeywardService, key: KeyName, principal: Principal? = nil) {
    self.service = service
    self.key = key
    self.principal = principal ?? Principal(kind: .kmsSocket, name: key.description)
  }

  package func status(_ connection: KMSConnection) -> Result<KMSStatus, KMSFailure> {
    do {
      let snapshot = try service.kmsStatus(key)
      connection.pinned = snapshot
      return .success(KMSStatus(keyID: snapshot.keyID.description))
    } catch {
      connection.pinned = nil
      return .failure(KMSFailure(error))
    }
  }

  package func encrypt(
    _ connection: KMSConnection,
    plaintext: consuming SecretBytes,
    uid: String,
    reply: @escaping @Sendable (Result<KMSEncryption, KMSFailure>) -> Void
  ) {
    service.kmsEncrypt(
      caller(connection),
      name: key,
      told: connection.pinned as? KMSSnapshot,
      plaintext: plaintext,
      uid: uid
    ) { result in
      reply(
        result
          .map { KMSEncryption(ciphertext: $0.bytes, keyID: $0.keyID.description) }
          .mapError { KMSFailure($0) }
      )
    }
  }

  package func decrypt(
    _ connection: KMSConnection,
    ciphertext: [UInt8],
    keyID: String,
    annotations: [String: [UInt8]],
    uid: String,
    reply: @escaping @Sendable (Result<SecretBox, KMSFailure>) -> Void
  ) {
    // Keyward's ciphertexts carry no annotations, so a request with some is not one of them.
    guard annotations.isEmpty else {
      reply(.failure(KMSFailure(.invalidArgument, "Keyward's ciphertexts have no annotations.")))
      return
    }
    service.kmsDecrypt(
      caller(connection),
      name: key,
      keyID: keyID,
      ciphertext: ciphertext,
      uid: uid
    ) { result in
      reply(result.mapError { KMSFailure($0) })
    }
  }

  private func caller(_ connection: KMSConnection) -> Caller {
    let number = calls.add(1, ordering: .relaxed).newValue
    return Caller(
      principal: Principal(
        kind: principal.kind,
        issuer: principal.issuer,
        name: principal.name,
        cluster: principal.cluster,
        environment: principal.environment,
        claims: principal.claims,
        uid: connection.peer.uid,
        pid: connection.peer.pid
      ),
      transport: .kms,
      requestID: "k\(connection.id)-\(number)"
    )
  }
}

extension KMSFailure {
  /// The code of the one table, with its constant words: names of keys stay inside.
  init(_ error: ServiceError) {
    let code: Code =
      switch error.code.grpcStatus {
      case 3: .invalidArgument
      case 5: .notFound
      case 7, 16: .permissionDenied
      case 8: .resourceExhausted
      case 9: .failedPrecondition
      case 14: .unavailable
      case 15: .failedPrecondition
      default: .internal
      }
    self.init(code, error.code.title)
  }
}
