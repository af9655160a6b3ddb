import Foundation
import KeywardCrypto
import KeywardExport
import KeywardModel
import Testing

@testable import KeywardCloud

/// Where credentials go: to whom the server's administrator says, whatever a destination says.
@Suite("CloudTrust", .serialized)
struct CloudTrustTests {
  private static let names = [
    "BAO_ADDR", "BAO_CACERT", "BAO_TOKEN", "VAULT_ADDR", "VAULT_CACERT", "VAULT_TOKEN",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_TENANT_ID", "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
  ]
  private static let authorities = """
    -----BEGIN CERTIFICATE-----
    AAAA
    -----END CERTIFICATE-----
    """

  /// Calls `body` with a folder of credentials that has these files, and these variables alone.
  private static func with(
    _ files: [String: String],
    _ variables: [String: String] = [:],
    foreign: Bool = false,
    _ body: (CloudTrust, String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files {
      _ = FileManager.default.createFile(
        atPath: folder + "/" + name,
        contents: Data(text.utf8),
        attributes: [.posixPermissions: name == "open.addr" ? 0o666 : 0o600]
      )
    }
    let former = names.map { ($0, getenv($0).map { String(cString: $0) }) }
    for name in names { unsetenv(name) }
    for (name, value) in variables {
      setenv(name, value.replacingOccurrences(of: "FOLDER", with: folder), 1)
    }
    defer {
      for (name, value) in former {
        if let value { setenv(name, value, 1) } else { unsetenv(name) }
      }
    }
    let trust = CloudTrust(
      credentialsDirectory: folder,
      takesForeignEndpoints: foreign,
      source: CredentialSource(home: folder)
    )
    try body(trust, folder)
  }

  private static func place(
    _ provider: ExportProvider,
    _ endpoint: String? = nil,
    file: String? = nil,
    authorities: String? = nil
  ) -> CloudPlace {
    var place = CloudPlace(provider)
    place.region = "eu-west-1"
    place.vault = "keyward-vault"
    place.ring = "projects/p/locations/l/keyRings/r"
    place.endpoint = endpoint
    place.authorities = authorities
    if let file { place.credentials = .file(file) }
    return place
  }

  private static func refused(
    _ trust: CloudTrust,
    _ place: CloudPlace,
    _ code: CloudFailure.Code = .unvouched,
    _ location: SourceLocation = #_sourceLocation
  ) {
    do throws(CloudFailure) {
      _ = try place.open(trust) { .init(milliseconds: 0) }
      Issue.record("it was opened", sourceLocation: location)
    } catch {
      #expect(error.code == code, "\(error.words)", sourceLocation: location)
      #expect(error.remedy != nil && !error.words.contains("s.SECRET"), sourceLocation: location)
    }
  }

  @Test("A token in a file goes to the addresses beside it, and to no other")
  func files() throws {
    let there = "https://bao.example:8200"
    try Self.with([
      "bao": "s.SECRET", "bao.addr": "https://other.example\n  \(there) \n", "alone": "s.SECRET",
      "open": "s.SECRET", "open.addr": there,
    ]) { trust, _ in
      let found = try trust.authorities(for: Self.place(.openbao, there, file: "bao"))
      #expect(found == nil)
      _ = try Self.place(.openbao, there, file: "bao").open(trust) { .init(milliseconds: 0) }
      for endpoint in [
        "https://evil.example", "https://bao.example:8201", "https://bao.example:8200.evil.example",
        "https://bao.example", "https://BAO.example:8200", "",
      ] {
        Self.refused(trust, Self.place(.vault, endpoint, file: "bao"))
      }
      Self.refused(trust, Self.place(.openbao, there, file: "alone"))
      // Who may write the list says where the token goes.
      Self.refused(trust, Self.place(.openbao, there, file: "open"), .credentialsMissing)
    }
  }

  @Test("Authorities of a destination count only if the server has the same beside the credentials")
  func authorities() throws {
    let there = "https://bao.example:8200"
    let files = [
      "bao": "s.SECRET", "bao.addr": there, "bao.ca": Self.authorities + "\n",
      "plain": "s.SECRET", "plain.addr": there,
    ]
    try Self.with(files) { trust, _ in
      let own = Self.place(.openbao, there, file: "bao", authorities: Self.authorities)
      let named = try trust.authorities(for: own)
      #expect(named == Self.authorities)
      // Without a word of the destination those of the server count, not the system's.
      let quiet = Self.place(.openbao, there, file: "bao")
      let kept = try trust.authorities(for: quiet)
      #expect(kept == Self.authorities + "\n")
      let other = Self.authorities.replacingOccurrences(of: "AAAA", with: "AAAB")
      Self.refused(trust, Self.place(.openbao, there, file: "bao", authorities: other))
      Self.refused(trust, Self.place(.openbao, there, file: "plain", authorities: other))
    }
  }

  @Test("The token of the environment goes to the address of the environment")
  func environment() throws {
    let there = "https://vault.example:8200"
    let variables = ["VAULT_TOKEN": "s.SECRET", "VAULT_ADDR": there]
    try Self.with(["ca.pem": Self.authorities], variables) { trust, _ in
      _ = try Self.place(.vault, there).open(trust) { .init(milliseconds: 0) }
      Self.refused(trust, Self.place(.vault, "https://evil.example"))
      Self.refused(trust, Self.place(.vault, there, authorities: Self.authorities))
    }
    let more = variables.merging(["VAULT_CACERT": "FOLDER/ca.pem"]) { $1 }
    try Self.with(["ca.pem": Self.authorities], more) { trust, _ in
      let place = Self.place(.vault, there, authorities: Self.authorities)
      let named = try trust.authorities(for: place)
      #expect(named == Self.authorities)
    }
  }

  @Test("AWS, Azure and Google are where they are, but for emulators")
  func providers() throws {
    let variables = [
      "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s.SECRET", "AZURE_TENANT_ID": "t",
      "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s.SECRET",
    ]
    let all: [ExportProvider] = [.aws, .azure, .azureManagedHSM, .google]
    try Self.with([:], variables) { trust, _ in
      for provider in all {
        for endpoint in ["https://127.0.0.1:4566", "https://localhost", "https://evil.example"] {
          Self.refused(trust, Self.place(provider, endpoint))
        }
        Self.refused(trust, Self.place(provider, authorities: Self.authorities))
      }
      _ = try Self.place(.aws).open(trust) { .init(milliseconds: 0) }
      _ = try Self.place(.azure).open(trust) { .init(milliseconds: 0) }
    }
    try Self.with([:], variables, foreign: true) { trust, _ in
      let place = Self.place(.aws, "https://127.0.0.1:1", authorities: Self.authorities)
      _ = try place.open(trust) { .init(milliseconds: 0) }
      // Even then credentials of a file go to nobody who is not beside them.
      Self.refused(trust, Self.place(.google, "https://127.0.0.1:1", file: "google"))
    }
  }

  @Test(
    "A vault's name is one label of a host, and a Region is one",
    arguments: [
      "evil.example", "evil.example/", "a.b", "https://evil.example", "vault@evil", "vault:443",
      "-ab", "ab-", "a--b", "ab", "", String(repeating: "a", count: 25), "vault#", "vault?x",
      "vau lt",
    ]
  )
  func labels(_ text: String) throws {
    #expect(!CloudPlace.isVault(text))
    let variables = [
      "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s.SECRET",
    ]
    try Self.with([:], variables) { trust, _ in
      var place = Self.place(.azure)
      place.vault = text
      Self.refused(trust, place, .unfit)
    }
  }

  @Test("Names of vaults as Azure has them", arguments: ["abc", "Keyward-Vault-1", "a1b2c3"])
  func vaults(_ text: String) {
    #expect(CloudPlace.isVault(text))
  }

  @Test("A header with a line of its own is not sent")
  func headers() async throws {
    let fake = try Fake("openbao")
    let transport = CurlTransport(authorities: fake.authorities)
    for value in ["a\r\nX-Evil: 1", "a\nb", "a\u{0}b", "a\u{7f}"] {
      let secret = SecretBox(try SecretBytes.fixture(Array(value.utf8)))
      var plain = CloudRequest(.get, fake.url + "/v1/transit/wrapping_key", repetition: .never)
      plain.headers = [("X-Plain", value)]
      var hidden = plain
      hidden.headers = []
      hidden.secretHeader = ("X-Vault-Token", secret)
      var named = plain
      named.headers = [("X-" + value, "a")]
      for request in [plain, hidden, named] {
        await #expect(throws: CloudTransportError.self) { _ = try await transport.send(request) }
      }
    }
    #expect(try fake.steps().isEmpty)
  }
}
