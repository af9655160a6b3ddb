import KeywardAuthn
import KeywardModel
import Testing

/// Vault CVE-2025-6004, CVE-2025-6013: a lockout walked around by spelling a name in another way.
@Suite
struct V09Tests {
  @Test
  func athousandSpellingsShareOneCounter() throws {
    let name = "role-abcdefghijklmnop234567abcd"
    var random = SeededRandom(seed: 9)
    var spellings: Set<[UInt8]> = []
    var lockout = Lockout()
    while spellings.count < 1000 {
      let spelling = Self.spelling(of: name, &random)
      guard spellings.insert(Array(spelling.utf8)).inserted else { continue }
      let identity = LockoutIdentity(login: .machineRole, name: spelling)
      #expect(identity == LockoutIdentity(login: .machineRole, name: name))
      lockout.failed(identity, now: now)
    }
    #expect(lockout.count == 1)
    let genuine = LockoutIdentity(login: .machineRole, name: name)
    #expect(lockout.decision(for: genuine, now: now) == .locked(until: now.adding(seconds: 900)))
    // None of the spellings but the one logs in at all.
    let readable = spellings.filter { RoleID(String(decoding: $0, as: UTF8.self)) != nil }
    #expect(readable.count <= 1)
  }

  private static func spelling(of name: String, _ random: inout SeededRandom) -> String {
    var scalars = String.UnicodeScalarView()
    let fillers: [Unicode.Scalar] = [
      " ", "\t", "\n", "\0", "\u{200B}", "\u{FEFF}", "-", ".", "\u{301}",
    ]
    for scalar in name.unicodeScalars {
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        scalars.append(contentsOf: String(scalar).uppercased().unicodeScalars)
      case 1:
        scalars.append(Unicode.Scalar(scalar.value + 0xfee0) ?? scalar)
      case 2:
        scalars.append(scalar)
        scalars.append(fillers[Int.random(in: fillers.indices, using: &random)])
      case 3 where scalar == "k": scalars.append("\u{212A}")
      default: scalars.append(scalar)
      }
    }
    return String(scalars)
  }

  @Test
  func otherNamesHaveOtherCounters() {
    let all = ["a", "b", "ab", "role-aaaa", "role-aaab", "", String(repeating: "a", count: 64)]
    #expect(Set(all.map { LockoutIdentity(login: .machineRole, name: $0) }).count == all.count)
    #expect(
      LockoutIdentity(login: .machineRole, name: "a") != LockoutIdentity(login: .token, name: "a")
    )
  }
}
