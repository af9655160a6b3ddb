import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardService
import KeywardSystem

extension SealSource {
  /// A key file, which nobody but its owner may read.
  static func keyFile(_ path: String) -> SealSource {
    SealSource(kind: .keyFile) { read(path) }
  }

  /// A credential that systemd laid into `folder` (LoadCredential=, LoadCredentialEncrypted=).
  static func credential(_ name: String, folder: String) -> SealSource {
    SealSource(kind: .systemdCredential(name: name)) { read(folder + "/" + name) }
  }

  private static func read(_ path: String) -> Result<SecretBox, ServiceError> {
    do {
      return .success(
        SecretBox(try SecretFile.read(path, limit: SealSecret.maximumFileLength))
      )
    } catch {
      return .failure(
        ServiceError(
          .unavailable,
          "The seal's key file cannot be used: \(error.message).",
          remedy: error.kind == .notFound
            ? "Put it back, then run: keyward operator unseal." : nil
        )
      )
    }
  }
}
