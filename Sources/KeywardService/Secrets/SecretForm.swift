import KeywardCrypto
import KeywardModel

/// Checks that the values of a version have the form that its kind promises.
///
/// What can be checked without leaving the arena: a wrong file in the wrong field is found when it
/// is written, and not in the pipeline that uses it.
enum SecretForm {
  static func check(_ kind: SecretKind, _ draft: SecretDraft) throws(ServiceError) {
    switch kind {
    case .generic: return
    case .kubeconfig:
      let value = try field("kubeconfig", of: kind, draft)
      for line in ["apiVersion:", "clusters:", "contexts:", "users:"]
      where !value.bytes.hasLine(beginning: line) {
        throw refused(kind, "kubeconfig", "has no line that begins with '\(line)'")
      }
      guard value.bytes.hasLine(beginning: "kind: Config") else {
        throw refused(kind, "kubeconfig", "is not of 'kind: Config'")
      }
    case .tls: try checkTLS(draft)
    case .sshKey: try checkSSH(draft)
    case .registryLogin:
      for name in ["registry", "username", "password"] {
        try checkText(name, of: kind, draft)
      }
    case .cloudCredential: try checkCloud(draft)
    }
  }

  private static func checkTLS(_ draft: SecretDraft) throws(ServiceError) {
    let chain = try field("tls.crt", of: .tls, draft)
    let key = try field("tls.key", of: .tls, draft)
    let found: Certificate
    do throws(CryptoError) {
      guard let der = try SecretPEM.decode("CERTIFICATE", chain.bytes) else {
        throw .invalidInput("no certificate")
      }
      found = try Certificate(der: der.revealed())
    } catch {
      throw refused(.tls, "tls.crt", "does not begin with a certificate in PEM")
    }
    let matches: Bool
    do throws(CryptoError) {
      // Other forms of keys (BEGIN RSA PRIVATE KEY) are taken by their frame alone.
      guard let der = try SecretPEM.decode("PRIVATE KEY", key.bytes) else {
        guard
          key.bytes.hasLine(beginning: "-----BEGIN RSA PRIVATE KEY-----")
            || key.bytes.hasLine(beginning: "-----BEGIN EC PRIVATE KEY-----")
        else { throw .invalidInput("no key") }
        return
      }
      let spki = try PrivateKey(pkcs8: der).publicKey().spki()
      matches = Digest.sha256(spki) == found.spkiSHA256
    } catch {
      throw refused(.tls, "tls.key", "is no private key in PEM")
    }
    guard matches else { throw refused(.tls, "tls.key", "does not belong to the certificate") }
    if let authorities = draft.values.first(where: { $0.key.description == "ca.crt" })?.value,
      !authorities.bytes.hasLine(beginning: "-----BEGIN CERTIFICATE-----")
    {
      throw refused(.tls, "ca.crt", "holds no certificate in PEM")
    }
  }

  /// The forms that ssh-keygen writes: its own, PKCS#8 (`-m PKCS8`), and the older PEM (`-m PEM`).
  private static func checkSSH(_ draft: SecretDraft) throws(ServiceError) {
    let key = try field("private-key", of: .sshKey, draft)
    func refuse(_ words: String) -> ServiceError { refused(.sshKey, "private-key", words) }
    let encrypted = "has a passphrase, which a command behind keyward cannot give"
    if key.bytes.hasLine(beginning: "-----BEGIN ENCRYPTED PRIVATE KEY-----")
      || key.bytes.hasLine(beginning: "Proc-Type: 4,ENCRYPTED")
    {
      throw refuse(encrypted)
    }
    let labels = ["OPENSSH PRIVATE KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]
    let label = labels.first { key.bytes.hasLine(beginning: "-----BEGIN \($0)-----") }
    let content: SecretBytes?
    do throws(CryptoError) {
      content = if let label { try SecretPEM.decode(label, key.bytes) } else { nil }
    } catch {
      throw refuse("cannot be read")
    }
    guard let label, let content else {
      throw refuse("is no private key of OpenSSH or in PEM")
    }
    guard label == "OPENSSH PRIVATE KEY" else {
      // DER begins with a SEQUENCE.
      guard content.withUnsafeBytes({ $0.first == 0x30 }) else { throw refuse("holds no key") }
      return
    }
    // PROTOCOL.key of OpenSSH: the magic, then the names of cipher and KDF.
    let magic = Array("openssh-key-v1\0".utf8)
    guard content.hasPrefix(magic) else { throw refuse("holds no key of OpenSSH") }
    guard content.hasPrefix(magic + [0, 0, 0, 4] + Array("none".utf8)) else {
      throw refuse(encrypted)
    }
    // ssh takes its own form with these line ends alone, and says no more than "invalid format".
    guard key.bytes.firstRange(of: [0x0d]) == nil,
      key.bytes.hasSuffix(Array("-----END OPENSSH PRIVATE KEY-----\n".utf8))
    else {
      throw refuse("does not end its lines, the last among them, with LF, as ssh wants it")
    }
  }

  private static func checkCloud(_ draft: SecretDraft) throws(ServiceError) {
    let provider = try field("provider", of: .cloudCredential, draft)
    let needed: [String]
    switch true {
    case provider.bytes.isText("aws"): needed = ["access-key-id", "secret-access-key"]
    case provider.bytes.isText("azure"): needed = ["tenant-id", "client-id", "client-secret"]
    case provider.bytes.isText("gcp"): needed = ["service-account.json"]
    default: throw refused(.cloudCredential, "provider", "is not aws, azure or gcp")
    }
    for name in needed where name != "service-account.json" {
      try checkText(name, of: .cloudCredential, draft)
    }
    guard needed == ["service-account.json"] else { return }
    let account = try field("service-account.json", of: .cloudCredential, draft)
    for word in ["\"type\"", "\"private_key\"", "\"client_email\""]
    where account.bytes.firstRange(of: Array(word.utf8)) == nil {
      throw refused(.cloudCredential, "service-account.json", "has no member \(word)")
    }
  }

  /// One line of text: no control characters, not empty.
  private static func checkText(
    _ name: String,
    of kind: SecretKind,
    _ draft: SecretDraft
  ) throws(ServiceError) {
    let value = try field(name, of: kind, draft)
    let isText = value.bytes.withUnsafeBytes { bytes in
      !bytes.isEmpty && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }
    guard isText else { throw refused(kind, name, "is not one line of text") }
  }

  private static func field(
    _ name: String,
    of kind: SecretKind,
    _ draft: SecretDraft
  ) throws(ServiceError) -> SecretBox {
    guard let value = draft.values.first(where: { $0.key.description == name })?.value else {
      throw ServiceError(
        .invalidRequest,
        "A secret of kind \(kind.rawValue) has a field '\(name)'.",
        remedy: "Give it, or choose the kind generic."
      )
    }
    return value
  }

  private static func refused(
    _ kind: SecretKind,
    _ name: String,
    _ what: String
  ) -> ServiceError {
    ServiceError(
      .invalidRequest,
      "The field '\(name)' of a secret of kind \(kind.rawValue) \(what).",
      remedy: "Correct the value, or choose the kind generic."
    )
  }
}

extension SecretBytes {
  /// Whether a line begins with `text`, which is not secret.
  fileprivate func hasLine(beginning text: String) -> Bool {
    let marker = Array(text.utf8)
    var start = 0
    while let found = firstRange(of: marker, from: start) {
      let isStart = withUnsafeBytes { bytes in
        found.lowerBound == 0 || bytes[found.lowerBound - 1] == 10
      }
      if isStart { return true }
      start = found.lowerBound + 1
    }
    return false
  }

  fileprivate func hasPrefix(_ prefix: [UInt8]) -> Bool {
    withUnsafeBytes { $0.prefix(prefix.count).elementsEqual(prefix) }
  }

  fileprivate func hasSuffix(_ suffix: [UInt8]) -> Bool {
    withUnsafeBytes { $0.suffix(suffix.count).elementsEqual(suffix) }
  }

  fileprivate func isText(_ text: String) -> Bool {
    withUnsafeBytes { $0.elementsEqual(text.utf8) }
  }
}
