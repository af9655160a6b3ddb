import KeywardModel
import Testing

@Suite
struct SecretCodingTests {
  static func sample() throws -> Secret {
    let field = { (name: String) in
      SecretVersion.Field(
        name: try FieldName(name),
        length: 7,
        fingerprint: [UInt8](repeating: 3, count: 16)
      )
    }
    let version = { (number: Int) in
      SecretVersion(
        number: number,
        createdAt: Timestamp(milliseconds: 5),
        author: "corp/ana",
        origin: .promoted,
        kind: .tls,
        fields: try ["ca.crt", "tls.crt", "tls.key"].map(field),
        expiresAt: number == 2 ? Timestamp(milliseconds: 9) : nil,
        deletedAt: number == 4 ? Timestamp(milliseconds: -1) : nil,
        destroyedAt: number == 7 ? Timestamp(milliseconds: 0) : nil
      )
    }
    return Secret(
      id: try #require(SecretID(random: [UInt8](1...16))),
      environment: try EnvironmentName("prod-eu"),
      name: try SecretName("payments/db"),
      kind: .tls,
      metadata: ["owner": "team-a", "": ""],
      mostVersions: 10,
      createdAt: Timestamp(milliseconds: 1),
      versions: try [2, 4, 7].map(version),
      latest: 9
    )
  }

  @Test
  func roundTrips() throws {
    let secret = try Self.sample()
    #expect(Secret(decoding: secret.encoded) == secret)
    let environment = Environment(
      name: try EnvironmentName("a"),
      parent: try EnvironmentName("b"),
      isProduction: true,
      words: "é"
    )
    #expect(Environment(decoding: environment.encoded) == environment)
  }

  /// What was cut, extended or changed reads as something else or not at all, and never traps.
  @Test
  func damageIsRefusedOrSeen() throws {
    let secret = try Self.sample()
    let bytes = secret.encoded
    for count in 0..<bytes.count { #expect(Secret(decoding: Array(bytes[..<count])) == nil) }
    #expect(Secret(decoding: bytes + [0]) == nil)
    for index in bytes.indices {
      for bit in [UInt8(1), 0x80] {
        var other = bytes
        other[index] ^= bit
        if let read = Secret(decoding: other) { #expect(read != secret || read.encoded == other) }
      }
    }
  }

  @Test
  func statesOfAVersion() throws {
    let now = Timestamp(milliseconds: 9)
    let states = try Self.sample().versions.map { $0.state(at: now) }
    #expect(states == [.expired, .deleted, .destroyed])
    #expect(try Self.sample().versions.first?.state(at: Timestamp(milliseconds: 8)) == .active)
  }

  @Test
  func pathsAndResources() throws {
    let path = try #require(SecretPath("prod-eu/payments/db"))
    #expect(path.description == "prod-eu/payments/db")
    for text in ["", "prod-eu", "prod-eu/payments", "a/b/c/d", "A/b/c", "/b/c"] {
      #expect(SecretPath(text) == nil)
    }
    for resource in [
      Resource.secret(path.environment, path.name), .secrets, .environment(path.environment),
      .environments,
    ] {
      #expect(Resource(path: resource.description) == resource)
    }
    #expect(Resource(path: "secrets/prod-eu") == nil)
    #expect(Resource(path: "environments/A") == nil)
  }
}
