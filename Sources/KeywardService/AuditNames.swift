import KeywardAudit
import KeywardKeyring
import KeywardModel

extension KeywardModel.SealKind {
  /// The seal as the audit log names it.
  var audit: AuditSeal {
    switch self {
    case .shamir: .shamir
    case .keyFile: .keyFile
    case .passphrase: .passphrase
    case .credential: .systemdCredential
    }
  }
}

extension SealSource {
  /// Whether this source serves the seal that a request asks for.
  func matches(_ kind: KeywardModel.SealKind) -> Bool {
    switch (self.kind, kind) {
    case (.keyFile, .keyFile), (.systemdCredential, .credential): true
    default: false
    }
  }
}
