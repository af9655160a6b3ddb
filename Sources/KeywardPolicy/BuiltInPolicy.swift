package import KeywardModel

/// The roles that are there without any policy document (DESIGN §7); a pure function.
///
/// - `security-officer`: a process on the admin socket whose uid is on the allow-list. The socket
///   refuses every other uid before a request is read.
/// - `kms-plugin`: a KMS socket; encrypt and decrypt with the one key of that socket, nothing else.
/// - `server`: what the server does by itself: what falls due, start, stop.
package struct BuiltInPolicy: Sendable {
  private let officerUIDs: Set<UInt32>

  package init(officerUIDs: Set<UInt32>) {
    self.officerUIDs = officerUIDs
  }

  /// Decides by what the server itself knows of the caller; nothing in a request changes it.
  package func decide(
    _ principal: Principal,
    _ operation: ServiceOperation,
    _ resource: Resource
  ) -> Decision {
    switch principal.kind {
    case .unixPeer:
      guard let uid = principal.uid, officerUIDs.contains(uid) else { return .defaultDeny }
      return .allow("security-officer")
    case .kmsSocket:
      guard operation == .keyEncrypt || operation == .keyDecrypt,
        case .key(let name) = resource, name.description == principal.name
      else { return .defaultDeny }
      return .allow("kms-plugin")
    case .server:
      switch operation {
      case .keyCreate, .keyDestroy, .keyRotate, .operatorRotate, .operatorUnseal,
        .serverRecover, .serverStart,
        .serverStop:
        return .allow("server")
      default:
        return .defaultDeny
      }
    case .anonymous, .certificate, .jwt, .machineRole, .token:
      return .defaultDeny
    }
  }
}
