import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Each kind takes what has its form, and refuses the rest.
@Suite
struct SecretFormTests {
  private static let kubeconfig = """
    apiVersion: v1
    kind: Config
    clusters: []
    contexts: []
    users: []
    """
  private static let ssh =
    openSSH("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB")

  private static func openSSH(_ base64: String) -> String {
    "-----BEGIN OPENSSH PRIVATE KEY-----\n\(base64)\n-----END OPENSSH PRIVATE KEY-----\n"
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let kind: SecretKind
    let fields: [String: String]
    let isTaken: Bool

    init(_ kind: SecretKind, _ fields: [String: String], _ isTaken: Bool) {
      self.kind = kind
      self.fields = fields
      self.isTaken = isTaken
    }

    var testDescription: String { "\(kind.rawValue) \(fields.keys.sorted()) \(isTaken)" }
  }

  static let cases: [Case] = [
    Case(.generic, ["x": "\u{0}"], true),
    Case(.kubeconfig, ["kubeconfig": kubeconfig], true),
    Case(.kubeconfig, ["config": kubeconfig], false),
    Case(.kubeconfig, ["kubeconfig": ""], false),
    Case(.kubeconfig, ["kubeconfig": "kind: Config"], false),
    Case(
      .kubeconfig,
      ["kubeconfig": kubeconfig.replacing("kind: Config", with: "kind: Pod")],
      false
    ),
    Case(.sshKey, ["private-key": ssh], true),
    Case(.sshKey, ["private-key": ssh, "public-key": "ssh-ed25519 AAAA"], true),
    // ssh refuses these, and says only "invalid format" or "error in libcrypto".
    Case(.sshKey, ["private-key": String(ssh.dropLast())], false),
    Case(.sshKey, ["private-key": ssh.replacing("\n", with: "\r\n")], false),
    // With a passphrase, in each form.
    Case(
      .sshKey,
      ["private-key": openSSH("b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0")],
      false
    ),
    Case(
      .sshKey,
      [
        "private-key":
          "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAAA\n"
          + "-----END RSA PRIVATE KEY-----\n"
      ],
      false
    ),
    Case(.sshKey, ["private-key": openSSH("AAAA")], false),
    Case(
      .sshKey,
      ["private-key": "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n"],
      true
    ),
    Case(
      .sshKey,
      ["private-key": "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n"],
      false
    ),
    Case(.sshKey, ["key": ssh], false),
    Case(.sshKey, ["private-key": "ssh-ed25519 AAAA"], false),
    Case(.sshKey, ["private-key": "-----BEGIN ENCRYPTED PRIVATE KEY-----"], false),
    Case(.registryLogin, ["registry": "r.example", "username": "u", "password": "p"], true),
    Case(.registryLogin, ["registry": "r.example", "username": "u"], false),
    Case(.registryLogin, ["registry": "r.example", "username": "", "password": "p"], false),
    Case(.registryLogin, ["registry": "r.example", "username": "u\n", "password": "p"], false),
    Case(
      .cloudCredential,
      ["provider": "aws", "access-key-id": "AKIA", "secret-access-key": "x"],
      true
    ),
    Case(.cloudCredential, ["provider": "aws", "access-key-id": "AKIA"], false),
    Case(.cloudCredential, ["provider": "aws\n"], false),
    Case(.cloudCredential, ["provider": "other", "x": "y"], false),
    Case(
      .cloudCredential,
      ["provider": "azure", "tenant-id": "t", "client-id": "c", "client-secret": "s"],
      true
    ),
    Case(.cloudCredential, ["provider": "azure", "tenant-id": "t", "client-id": "c"], false),
    Case(
      .cloudCredential,
      [
        "provider": "gcp",
        "service-account.json": #"{"type":"service_account","private_key":"","client_email":""}"#,
      ],
      true
    ),
    Case(.cloudCredential, ["provider": "gcp", "service-account.json": "{}"], false),
    Case(.tls, ["tls.crt": "x", "tls.key": "y"], false),
    Case(.tls, ["tls.crt": "x"], false),
  ]

  @Test(arguments: cases)
  func checksTheForm(_ item: Case) async throws {
    let server = try await TestServer.unsealed()
    try await server.declare("dev")
    if item.isTaken {
      try await server.put("p/a", in: "dev", item.fields) { $0.kind = item.kind }
    } else {
      await refused(.invalidRequest) {
        try await server.put("p/a", in: "dev", item.fields) { $0.kind = item.kind }
      }
    }
  }
}
