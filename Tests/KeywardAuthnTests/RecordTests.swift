import Foundation
import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// The records of the registry: what is taken, what is refused, and how they are kept.
@Suite
struct RecordTests {
  private func message(_ make: () throws -> Void) -> String? {
    do {
      try make()
      return nil
    } catch {
      return (error as? AuthnError)?.message ?? "\(error)"
    }
  }

  @Test
  func issuersHaveRules() throws {
    let forge = try TokenForge(.github)
    let good = forge.genuine.document(name: "github", keySet: forge.keySetText)
    func changed(_ change: (inout IssuerDocument) -> Void) -> String? {
      var document = good
      change(&document)
      return message { _ = try IssuerRecord(document) }
    }
    #expect(changed { _ in } == nil)
    #expect(changed { $0.name = nil } == "'name' is missing.")
    for name in ["", "GitHub", " github", "a/b", "*", "-a", "g\u{131}thub", "root ", "\u{212A}"] {
      #expect(changed { $0.name = name } == "'name' is not a name.", "\(name)")
    }
    for name in ["server", "unix", "kms", "tokens", "roles", "anonymous"] {
      #expect(changed { $0.name = name } == "'name' is reserved.")
    }
    #expect(changed { $0.preset = "GitHub" } == "'preset' is unknown.")
    for url in [
      "", "http://a.example.org", "https://", "https:///x", "https://a b", "https://u@a.org",
      "https://a.org?x", "https://a.org#x", "https://a.org:0", "https://a.org:99999",
      "https://a.org:080", "https://-a.org", "https://a..org", "https://a_b.org",
      "https://\u{e9}.org",
      "kubernetes/serviceaccount", "HTTPS://a.org", "https://[::1", "https://[1.2.3.4]",
    ] {
      #expect(
        changed { $0.url = url }
          == "'url' must be an https URL without user, query and fragment.",
        "\(url)"
      )
    }
    for url in ["https://a", "https://a.org:8443/x/y", "https://[::1]:6443", "https://10.0.0.1/"] {
      #expect(changed { $0.url = url } == nil, "\(url)")
    }
    let sources = "An issuer needs just one of 'key_set', 'key_set_url' and 'discovery'."
    #expect(changed { $0.keySet = nil } == sources)
    #expect(changed { $0.keySetURL = "https://a.org" } == sources)
    #expect(changed { $0.discovery = true } == sources)
    #expect(changed { $0.keySet = "{}" } == "'key_set' has no list 'keys'.")
    #expect(
      changed {
        $0.keySet = nil
        $0.discovery = false
      } == sources
    )
    #expect(
      changed {
        $0.keySet = nil
        $0.keySetURL = "http://a.org"
      }
        == "'key_set_url' must be an https URL without user, query and fragment."
    )
    #expect(changed { $0.environment = "Prod" } == "'environment' is not a name.")
    #expect(
      changed { $0.claims = ["x"] } == "'claims' is for the presets 'oidc' and 'jenkins' alone."
    )
    #expect(changed { $0.trustDomain = "a" } == "'trust_domain' is for the preset 'spiffe' alone.")
    #expect(changed { $0.preset = "spiffe" } == "The preset 'spiffe' needs 'trust_domain'.")
    #expect(
      changed {
        $0.preset = "spiffe"
        $0.trustDomain = "A.org"
      }
        == "'trust_domain' is not a trust domain."
    )
    #expect(
      changed { $0.maximumLifetime = 0 } == "'maximum_lifetime' must be from 1 to 31622400."
    )
    for claims in [["iss"], [""], ["a", "a"], ["sub"], ["a b"], ["*"]] {
      #expect(
        changed {
          $0.preset = "oidc"
          $0.claims = claims
        } != nil,
        "\(claims)"
      )
    }
    #expect(
      changed {
        $0.preset = "oidc"
        $0.claims = (0..<16).map { "c\($0)" }
      }
        == "'claims' has more than 15 members."
    )
    #expect(
      changed {
        $0.preset = "oidc"
        $0.claims = ["groups", "a.b/c"]
      } == nil
    )
    #expect(
      message { _ = try IssuerRecord(good, path: name("other")) }
        == "'name' is not the name of the path."
    )
  }

  @Test
  func issuersReadBack() throws {
    for genuine in GenuineToken.all {
      let forge = try TokenForge(genuine)
      var document = genuine.document(name: "i", keySet: forge.keySetText, singleUse: true)
      document.environment = "prod"
      document.maximumLifetime = 77
      for source in 0..<3 {
        if source == 1 { (document.keySet, document.keySetURL) = (nil, "https://a.org/k") }
        if source == 2 { (document.keySetURL, document.discovery) = (nil, true) }
        let record = try IssuerRecord(document)
        #expect(try IssuerRecord(decoding: record.encoded) == record)
        #expect(try IssuerRecord(record.document) == record)
        try Self.damaged(record.encoded) { _ = try IssuerRecord(decoding: $0) }
      }
    }
  }

  /// Cuts and additions are refused, and no change of a byte traps.
  private static func damaged(_ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) throws {
    for length in stride(from: 0, to: bytes.count, by: 7) {
      #expect(throws: AuthnError.self) { try read(Array(bytes[..<length])) }
    }
    #expect(throws: AuthnError.self) { try read(bytes + [0]) }
    for index in stride(from: 0, to: bytes.count, by: 5) {
      var changed = bytes
      changed[index] ^= 0x80
      try? read(changed)
    }
  }

  @Test
  func authoritiesHaveRules() throws {
    let forge = try CertificateForge()
    try forge.make("leaf", CertificateForge.client())
    let root = try #require(forge.texts["ca"])
    let pin = AuthorityDocument.Pin(name: "p", spkiSHA256: String(repeating: "0a", count: 32))
    let good = AuthorityDocument(name: "ca", certificates: root, identity: "uri-san")
    func changed(_ change: (inout AuthorityDocument) -> Void) -> String? {
      var document = good
      change(&document)
      return message { _ = try AuthorityRecord(document) }
    }
    #expect(changed { _ in } == nil)
    #expect(changed { $0.name = "unix" } == "'name' is reserved.")
    let certificates = "'certificates' must be 1 to 16 PEM certificates and nothing else."
    for text in ["", "x", root + "x", root.replacing("CERTIFICATE", with: "PRIVATE KEY")] {
      #expect(changed { $0.certificates = text } == certificates)
    }
    #expect(changed { $0.certificates = root + root } == "'certificates' has one twice.")
    #expect(
      changed { $0.certificates = forge.texts["leaf"] ?? "" }
        == "'certificates' has one that is not of an authority."
    )
    #expect(
      changed { $0.certificates = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" }
        == "'certificates' has one that cannot be read."
    )
    #expect(changed { $0.identity = "cn" } == "'identity' is unknown.")
    #expect(
      changed {
        $0.identity = "dns-san"
        $0.trustDomain = "a"
      }
        == "'trust_domain' is for the identity 'uri-san' alone."
    )
    #expect(changed { $0.pins = [pin] } == "'pins' is for the identity 'pinned' alone.")
    #expect(changed { $0.identity = "pinned" } == "The identity 'pinned' needs 1 to 256 'pins'.")
    #expect(
      changed {
        $0.identity = "pinned"
        $0.pins = [pin]
      } == nil
    )
    #expect(
      changed {
        $0.identity = "pinned"
        $0.pins = [pin, pin]
      } == "'pins' has a public key twice."
    )
    #expect(
      changed {
        $0.identity = "pinned"
        $0.pins = [.init(name: "p", spkiSHA256: "0a")]
      }
        == "'pins' has a 'spki_sha256' that is not 64 hexadecimal digits."
    )
    for names in [["a*"], ["**/a"], [""], []] {
      #expect(changed { $0.names = names } != nil, "\(names)")
    }
    // Lists that are only a part of the whole are refused where they are given.
    for fields in [["delta": true], ["part": true]] {
      let list = try forge.revocationList(fields)
      #expect(
        changed { $0.revocationLists = list } == "'revocation_lists' has one that is not taken."
      )
    }
    let list = try forge.revocationList([:])
    #expect(changed { $0.revocationLists = list } == nil)
    var full = good
    full.revocationLists = list
    full.trustDomain = "a.org"
    full.names = ["spiffe://a.org/**"]
    full.environment = "prod"
    for document in [
      good, full,
      AuthorityDocument(name: "ca", certificates: root, identity: "pinned", pins: [pin]),
    ] {
      let record = try AuthorityRecord(document)
      #expect(try AuthorityRecord(decoding: record.encoded) == record)
      #expect(try AuthorityRecord(record.document) == record)
      try Self.damaged(record.encoded) { _ = try AuthorityRecord(decoding: $0) }
    }
  }

  @Test
  func clustersAndRolesReadBack() throws {
    let forge = try TokenForge(.kubernetes)
    let certificates = try CertificateForge()
    let issuer = forge.genuine.document(name: "kubernetes", keySet: forge.keySetText)
    let authority = AuthorityDocument(
      name: "node-ca",
      certificates: try #require(certificates.texts["ca"]),
      identity: "dns-san"
    )
    let cluster = try ClusterRecord(
      ClusterDocument(
        name: "eu",
        environment: "prod",
        issuers: [issuer],
        authorities: [authority]
      )
    )
    #expect(try ClusterRecord(decoding: cluster.encoded) == cluster)
    #expect(try ClusterRecord(cluster.document) == cluster)
    try Self.damaged(cluster.encoded) { _ = try ClusterRecord(decoding: $0) }
    #expect(
      message { _ = try ClusterRecord(ClusterDocument(name: "eu")) }
        == "A cluster needs 1 to 16 'issuers' and 'authorities' together."
    )
    var nameless = issuer
    nameless.name = nil
    #expect(
      message { _ = try ClusterRecord(ClusterDocument(name: "eu", issuers: [issuer, nameless])) }
        == "In 'issuers[1]': 'name' is missing."
    )
    let role = try MachineRoleRecord(
      MachineRoleDocument(
        name: "batch",
        environment: "prod",
        networks: ["10.0.0.0/8", "fd00::/8"],
        tokenTTL: 60,
        tokenMaximumTTL: 120,
        tokenUses: 3,
        secretIDTTL: 600,
        secretIDUses: 5
      ),
      roleID: #require(RoleID(random: [UInt8](repeating: 7, count: 16)))
    )
    #expect(try MachineRoleRecord(decoding: role.encoded) == role)
    #expect(try MachineRoleRecord(role.document, roleID: role.roleID) == role)
    try Self.damaged(role.encoded) { _ = try MachineRoleRecord(decoding: $0) }
    for networks in [[], ["10.0.0.1/8"], ["10.0.0.0/8", "10.0.0.0/8"], ["x"]] {
      #expect(
        message {
          _ = try MachineRoleRecord(
            MachineRoleDocument(name: "r", networks: networks),
            roleID: role.roleID
          )
        } != nil
      )
    }
    let secret = SecretIDRecord(
      accessor: try #require(Accessor(.secretID, random: [UInt8](repeating: 1, count: 16))),
      role: role,
      digest: try #require(CredentialDigest(stored: [UInt8](repeating: 2, count: 32))),
      now: now,
      networks: role.networks
    )
    #expect(try SecretIDRecord(decoding: secret.encoded) == secret)
    #expect(secret.info.usesLeft == 5)
    try Self.damaged(secret.encoded) { _ = try SecretIDRecord(decoding: $0) }
  }

  /// Fields that are not known refuse a document, also inside of others.
  @Test
  func documentsAreStrict() throws {
    let decoder = JSONDecoder()
    func decodes(_ text: String) -> Bool {
      (try? decoder.decode(ClusterDocument.self, from: Data(text.utf8))) != nil
    }
    let issuer = #""name":"k","preset":"kubernetes","url":"https://a","audiences":["b"]"#
    #expect(decodes("{\"issuers\":[{\(issuer),\"discovery\":true}]}"))
    #expect(!decodes("{\"issuers\":[{\(issuer),\"discovery\":true,\"cluster\":\"eu\"}]}"))
    let authority = #""name":"k","certificates":"","identity":"pinned""#
    #expect(decodes("{\"authorities\":[{\(authority)}]}"))
    #expect(!decodes("{\"authorities\":[{\(authority),\"skip_verify\":true}]}"))
    #expect(
      !decodes(
        "{\"authorities\":[{\(authority),\"pins\":[{\"name\":\"a\",\"spki_sha256\":\"\",\"x\":1}]}]}"
      )
    )
  }

  @Test(
    arguments: [
      ("a/b", "a/b", true), ("a/b", "a/c", false), ("a/*", "a/b", true), ("a/*", "a/", false),
      ("a/*", "a/b/c", false), ("a/**", "a/b/c", true), ("a/**", "a", false), ("*", "a", true),
      ("a", "A", false), ("spiffe://t/ns/*/sa/*", "spiffe://t/ns/x/sa/y", true),
      ("spiffe://t/ns/*/sa/*", "spiffe://t/ns/x/sa/y/z", false),
      ("a/b", "a/b\u{301}", false), ("K", "\u{212A}", false),
    ] as [(String, String, Bool)]
  )
  func patternsOfSegments(_ pattern: String, _ name: String, _ matches: Bool) throws {
    #expect(try #require(NamePattern(pattern, .segments)).matches(name) == matches)
  }

  @Test(
    arguments: [
      ("a.example.org", "A.EXAMPLE.ORG", true), ("*.example.org", "a.example.org", true),
      ("*.example.org", "a.b.example.org", false), ("**.example.org", "a.b.example.org", true),
      ("**.example.org", "example.org", false), ("*.example.org", "a.example.org.evil", false),
      ("*.example.org", "aexample.org", false), ("a.*.org", "a.b.org", true),
    ] as [(String, String, Bool)]
  )
  func patternsOfLabels(_ pattern: String, _ name: String, _ matches: Bool) throws {
    #expect(try #require(NamePattern(pattern, .labels)).matches(name) == matches)
  }

  @Test(arguments: ["", "a*", "**/a", "a/**/b", "a\0", "***"])
  func patternsThatAreNone(_ text: String) {
    #expect(NamePattern(text, .segments) == nil)
  }
}
