import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// Machine roles and their secret ids.
@Suite
struct MachineLoginTests {
  static func accepted(
    _ outcome: MachineLogin.Outcome
  ) -> (MachineRoleRecord, SecretIDRecord)? {
    if case .accepted(let role, let secret) = outcome { return (role, secret) }
    return nil
  }

  static func refusal(_ outcome: MachineLogin.Outcome) -> MachineLogin.Refusal? {
    if case .refused(let refusal) = outcome { return refusal }
    return nil
  }

  @Test
  func eachSecretIsOfItsRole() throws {
    let world = try MachineWorld(roles: 20)
    for (index, role) in world.roles.enumerated() {
      for (other, secret) in world.secrets.enumerated() {
        let outcome = world.verify(roleID: role.roleID.description, secretID: secret)
        if index == other {
          let found = try #require(Self.accepted(outcome))
          #expect(found.0 == role)
          #expect(found.0.principal == Principal(kind: .machineRole, name: "role-\(index)"))
          #expect(found.1.usesLeft == nil)
        } else {
          #expect(Self.refusal(outcome) == .otherRole)
        }
      }
    }
  }

  @Test
  func usesTimesAndNetworksCount() throws {
    var world = try MachineWorld(
      roles: 1,
      document: MachineRoleDocument(networks: ["10.0.0.0/8"], secretIDTTL: 60, secretIDUses: 2)
    )
    let inside = NetworkAddress("10.9.8.7")
    let id = world.roles[0].roleID.description
    func login(
      _ seconds: Int64 = 0,
      _ source: NetworkAddress?
    ) -> MachineLogin.Outcome {
      world.verify(
        roleID: id,
        secretID: world.secrets[0],
        at: now.adding(seconds: seconds),
        source: source
      )
    }
    #expect(Self.refusal(login(0, nil)) == .network)
    #expect(Self.refusal(login(0, NetworkAddress("11.0.0.1"))) == .network)
    #expect(Self.refusal(login(60, inside)) == .ended)
    for left in [1, 0] as [Int64] {
      let used = try #require(Self.accepted(login(59, inside))).1
      #expect(used.usesLeft == left)
      world.secretIDs.insert(used.digest, used)
      #expect(world.secretIDs.count == 1)
    }
    #expect(Self.refusal(login(0, inside)) == .ended)
  }

  /// A role that is made anew under its name has nothing of the old one.
  @Test
  func aNewRoleOfOneNameIsAnother() throws {
    let world = try MachineWorld(roles: 1)
    let role = try MachineRoleRecord(
      MachineRoleDocument(name: "role-0"),
      roleID: #require(RoleID(random: [UInt8](repeating: 9, count: 16)))
    )
    let registry = try world.registry.applying(.putRole(role))
    for id in [role.roleID, world.roles[0].roleID] {
      #expect(
        world.verify(
          roleID: id.description,
          secretID: world.secrets[0],
          registry: registry
        ).isRefused
      )
    }
  }

  @Test
  func credentialsHaveOneSpelling() throws {
    let bytes = [UInt8](0..<32)
    let token = try #require(Credential(.token, random: bytes))
    let text = token.revealed()
    #expect(text == "kwt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
    let key = try HMACKey(.sha256, key: SecretBytes.fixture([UInt8](repeating: 5, count: 32)))
    let other = try HMACKey(.sha256, key: SecretBytes.fixture([UInt8](repeating: 6, count: 32)))
    #expect(Credential(.token, text)?.digest(key) == token.digest(key))
    #expect(token.digest(key) != token.digest(other))
    // The kind is part of what is hashed: the bytes of a token are no secret id.
    let secret = try #require(Credential(.secretID, random: bytes))
    #expect(secret.digest(key) != token.digest(key))
    for wrong in [
      "", "kwt_", text + "A", String(text.dropLast()), " " + text, text + "=", text.uppercased(),
      "kws_" + text.dropFirst(4), text.dropLast() + "9", text.dropLast() + "+",
      "KWT_" + text.dropFirst(4),
    ] {
      #expect(Credential(.token, wrong) == nil, "\(wrong)")
    }
    #expect(Credential(.token, random: Array(bytes.dropLast())) == nil)
  }

  @Test
  func theIndexFindsWhatIsThere() throws {
    var random = SeededRandom(seed: 8)
    var index = DigestIndex<Int>()
    var digests: [CredentialDigest] = []
    #expect(index.count == 0)
    for number in 0..<500 {
      var bytes = random.bytes(32)
      // Some with one beginning, which the index orders by.
      if number.isMultiple(of: 3) { for place in 0..<7 { bytes[place] = 1 } }
      let digest = try #require(CredentialDigest(stored: bytes))
      index.insert(digest, number)
      digests.append(digest)
    }
    #expect(index.count == 500)
    #expect(Set(index.values) == Set(0..<500))
    for (number, digest) in digests.enumerated() {
      index.insert(digest, number + 1000)
      #expect(index.count == 500)
    }
    for digest in digests.shuffled(using: &random) { index.remove(digest) }
    #expect(index.count == 0)
  }
}
