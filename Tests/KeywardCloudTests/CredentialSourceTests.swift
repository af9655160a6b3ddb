import Foundation
import KeywardCloud
import KeywardCrypto
import KeywardExport
import Testing

/// Credentials from the environment and from files.
@Suite("CredentialSource", .serialized)
struct CredentialSourceTests {
  private static let names = [
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
    "GOOGLE_APPLICATION_CREDENTIALS", "VAULT_TOKEN", "BAO_TOKEN",
  ]

  /// Runs with these variables alone, and a home of its own.
  private static func with(
    _ variables: [String: String],
    _ files: [String: (text: String, mode: Int)] = [:],
    _ body: (CredentialSource, String) throws -> Void
  ) throws {
    let home = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(
      atPath: home + "/.aws",
      withIntermediateDirectories: true
    )
    defer { try? FileManager.default.removeItem(atPath: home) }
    for (name, file) in files {
      _ = FileManager.default.createFile(
        atPath: home + "/" + name,
        contents: Data(file.text.utf8),
        attributes: [.posixPermissions: file.mode]
      )
    }
    for name in names { unsetenv(name) }
    for (name, value) in variables {
      setenv(name, value.replacingOccurrences(of: "HOME", with: home), 1)
    }
    defer { for name in names { unsetenv(name) } }
    try body(CredentialSource(home: home), home)
  }

  private static func text(_ box: SecretBox?) -> String? {
    box.map { String(decoding: $0.bytes.revealed(), as: UTF8.self) }
  }

  private static let profiles = """
    # comment
    [default]
    aws_access_key_id = AKIADEFAULT
    aws_secret_access_key=one+/=two

    [ other ]
    aws_access_key_id=AKIAOTHER\r
      aws_secret_access_key =  padded \r
    aws_session_token = token==
    [half]
    aws_access_key_id = AKIAHALF
    [sso]
    sso_start_url = https://example.com
    """

  @Test("AWS: the environment first, then the profile; half of a credential is none")
  func aws() throws {
    let files = [".aws/credentials": (Self.profiles, 0o600)]
    try Self.with(
      ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"],
      files
    ) { source, _ in
      let found = try source.aws()
      #expect(found.accessKeyID == "AKIAENV")
      #expect(Self.text(found.secretKey) == "s")
      #expect(Self.text(found.sessionToken) == "t")
      let named = try source.aws(profile: "other")
      #expect(named.accessKeyID == "AKIAOTHER")
      #expect(Self.text(named.secretKey) == "padded")
      #expect(Self.text(named.sessionToken) == "token==")
    }
    try Self.with([:], files) { source, _ in
      let found = try source.aws()
      #expect(found.accessKeyID == "AKIADEFAULT")
      #expect(Self.text(found.secretKey) == "one+/=two")
      #expect(found.sessionToken == nil)
      for name in ["half", "sso", "absent", "", "other]"] {
        #expect(throws: CloudFailure.self) { _ = try source.aws(profile: name) }
      }
    }
    try Self.with(["AWS_PROFILE": "other"], files) { source, _ in
      let found = try source.aws()
      #expect(found.accessKeyID == "AKIAOTHER")
    }
    try Self.with(["AWS_ACCESS_KEY_ID": "AKIAENV"], files) { source, _ in
      #expect(throws: CloudFailure.self) { _ = try source.aws() }
    }
    try Self.with(
      ["AWS_SHARED_CREDENTIALS_FILE": "HOME/elsewhere"],
      ["elsewhere": (Self.profiles, 0o600)]
    ) { source, _ in
      let found = try source.aws()
      #expect(found.accessKeyID == "AKIADEFAULT")
    }
  }

  @Test("A file that others may read is refused with the command to mend it")
  func modes() throws {
    for mode in [0o644, 0o640, 0o604] {
      try Self.with([:], [".aws/credentials": (Self.profiles, mode), ".vault-token": ("t", mode)]) {
        source,
        home in
        do {
          _ = try source.aws()
          Issue.record("\(mode) was taken")
        } catch let error as CloudFailure {
          #expect(error.words.contains("chmod 600 \(home)/.aws/credentials"), "\(error.words)")
        }
        #expect(throws: CloudFailure.self) { _ = try source.vault() }
      }
    }
  }

  @Test("Azure, Google and Vault")
  func others() throws {
    let azure = ["AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s ecret"]
    try Self.with(azure) { source, _ in
      let found = try source.azure()
      #expect(found.tenantID == "t" && found.clientID == "c")
      #expect(Self.text(found.clientSecret) == "s ecret")
    }
    for name in azure.keys {
      var fewer = azure
      fewer[name] = nil
      try Self.with(fewer) { source, _ in
        #expect(throws: CloudFailure.self) { _ = try source.azure() }
      }
    }
    try Self.with([:], [".vault-token": ("s.token\n", 0o600)]) { source, _ in
      let found = try source.vault()
      #expect(Self.text(found) == "s.token")
    }
    try Self.with(["VAULT_TOKEN": "v"], [".vault-token": ("f", 0o600), "t": (" \n", 0o600)]) {
      source,
      home in
      let variable = try source.vault()
      #expect(Self.text(variable) == "v")
      let named = try source.vault(file: home + "/.vault-token")
      #expect(Self.text(named) == "f")
      #expect(throws: CloudFailure.self) { _ = try source.vault(file: home + "/t") }
      #expect(throws: CloudFailure.self) { _ = try source.vault(file: home + "/absent") }
      #expect(throws: CloudFailure.self) { _ = try source.google() }
    }
    let pem = try PrivateKey.generate(.rsa(bits: 2048)).pkcs8().revealed()
    let block =
      "-----BEGIN PRIVATE KEY-----\\n" + Data(pem).base64EncodedString()
      + "\\n-----END PRIVATE KEY-----\\n"
    let file = """
      {"type": "service_account", "client_email": "a@b", "private_key_id": "k",
       "private_key": "\(block)", "nested": {"type": ["x", {"y": null}]}}
      """
    try Self.with(
      ["GOOGLE_APPLICATION_CREDENTIALS": "HOME/key.json"],
      ["key.json": (file, 0o600)]
    ) { source, _ in
      let found = try source.google()
      #expect(found.clientEmail == "a@b")
      #expect(found.tokenURL == GoogleServiceAccount.usualTokenURL)
    }
  }
}
