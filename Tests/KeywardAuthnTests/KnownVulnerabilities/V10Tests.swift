import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardAuthn

/// Vault CVE-2025-6011, CVE-2020-35177, CVE-2023-3462: the time of an answer, or its words, say whether
/// a name is known.
@Suite
struct V10Tests {
  /// The time of a refusal is the same for an unknown role and for a known one with a wrong secret:
  /// Student's t over 100,000 pairs stays below 4.5.
  ///
  /// Where things lie in memory moves both by a nanosecond or two of some thousands, so the pairs are
  /// of 100 worlds, what is judged is the mean of each, and less than 5 ns is no difference.
  @Test
  func unknownAndWrongTakeTheSameTime() throws {
    var random = SeededRandom(seed: 10)
    var means: [Double] = []
    for _ in 0..<100 { means.append(try Self.difference(&random, pairs: 1000)) }
    let count = Double(means.count)
    let mean = means.reduce(0, +) / count
    let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let t = mean / (variance / count).squareRoot()
    print("V10: t = \(t), mean difference \(mean) ns")
    #expect(abs(t) < 4.5 || abs(mean) < 5)
  }

  /// How many nanoseconds longer a known role takes than an unknown one, in the mean of the pairs.
  private static func difference(_ random: inout SeededRandom, pairs: Int) throws -> Double {
    let world = try MachineWorld(roles: 16)
    let wrong = try #require(Credential(.secretID, random: random.bytes(32))).revealed()
    let known = world.roles.map(\.roleID.description)
    // For each role an id of nobody whose look-up lands on the same record, so that nothing but being
    // known differs: which memory is touched says something about the id, not about the role.
    var neighbours: [String: String] = [:]
    while neighbours.count < known.count {
      let id = try #require(RoleID(random: random.bytes(16))).description
      let nearest = try #require(world.registry.roles.nearest(to: MachineLogin.digest(of: id)))
      neighbours[nearest.value.roleID.description] = id
    }
    let unknown = try known.map { try #require(neighbours[$0]) }
    let clock = ContinuousClock()
    func time(_ roleID: String) -> Double {
      let start = clock.now
      let outcome = world.verify(roleID: roleID, secretID: wrong)
      let elapsed = clock.now - start
      return outcome.isRefused ? Double(elapsed.components.attoseconds) / 1e9 : .infinity
    }
    for index in 0..<50 { _ = time(index.isMultiple(of: 2) ? known[0] : unknown[0]) }
    var differences: [Double] = []
    for _ in 0..<pairs {
      let pick = Int.random(in: known.indices, using: &random)
      let isKnownFirst = Bool.random(using: &random)
      let ids = [unknown[pick], known[pick]]
      let order = isKnownFirst ? 1 : 0
      let first = time(ids[order])
      let second = time(ids[1 - order])
      differences.append(isKnownFirst ? first - second : second - first)
    }
    // Without the tenth that is largest: those are interruptions.
    let bound = differences.map { abs($0) }.sorted()[differences.count * 9 / 10]
    let kept = differences.filter { abs($0) <= bound }
    return kept.reduce(0, +) / Double(kept.count)
  }

  /// Each way to fail is a refusal that carries nothing for the client.
  @Test
  func everyFailureIsOneAnswer() throws {
    let world = try MachineWorld(roles: 3)
    let cases: [(String, String, MachineLogin.Refusal)] = [
      ("role-" + String(repeating: "a", count: 26), world.secrets[0], .unknownRole),
      ("", world.secrets[0], .unknownRole), ("root", world.secrets[0], .unknownRole),
      (world.roles[0].roleID.description.uppercased(), world.secrets[0], .unknownRole),
      (" " + world.roles[0].roleID.description, world.secrets[0], .unknownRole),
      (world.roles[0].roleID.description, "", .unknownSecretID),
      (world.roles[0].roleID.description, "kws_", .unknownSecretID),
      (world.roles[0].roleID.description, world.secrets[0] + " ", .unknownSecretID),
      (
        world.roles[0].roleID.description,
        "kws_" + String(repeating: "A", count: 43),
        .unknownSecretID
      ),
      (
        world.roles[0].roleID.description,
        "kwt_" + world.secrets[0].dropFirst(4),
        .unknownSecretID
      ),
      (world.roles[0].roleID.description, world.secrets[1], .otherRole),
    ]
    for (roleID, secretID, wanted) in cases {
      guard case .refused(let refusal) = world.verify(roleID: roleID, secretID: secretID) else {
        Issue.record("accepted \(roleID)")
        continue
      }
      #expect(refusal == wanted, "\(roleID)")
    }
    #expect(world.verify(roleID: "x", secretID: "y", registry: .empty).isRefused)
  }
}

extension MachineLogin.Outcome {
  var isRefused: Bool {
    if case .refused = self { return true }
    return false
  }
}
