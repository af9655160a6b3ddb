/// What a secret is for, which decides the fields it must have and the form of their values.
package enum SecretKind: String, CaseIterable, Hashable, Sendable, Codable {
  /// Any fields, any bytes.
  case generic
  /// A kubeconfig in the field `kubeconfig`.
  case kubeconfig
  /// `tls.crt` and `tls.key` in PEM, which belong together, and perhaps `ca.crt`.
  case tls
  /// A private key in `private-key`, perhaps with `public-key`.
  case sshKey = "ssh-key"
  /// `registry`, `username` and `password` of a container registry.
  case registryLogin = "registry-login"
  /// `provider` (`aws`, `azure` or `gcp`) and the fields that its tools read.
  case cloudCredential = "cloud-credential"
}
