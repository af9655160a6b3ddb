import KeywardAuthn
import KeywardModel
import Testing

/// The slowing down of guesses.
@Suite
struct LockoutTests {
  private func identity(_ name: String) -> LockoutIdentity {
    LockoutIdentity(login: .machineRole, name: name)
  }

  @Test
  func delaysDouble() {
    var lockout = Lockout()
    let id = identity("a")
    for _ in 0..<4 {
      lockout.failed(id, now: now)
      #expect(lockout.decision(for: id, now: now) == .allowed)
    }
    var time = now
    for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] as [Int64] {
      lockout.failed(id, now: time)
      let until = time.adding(seconds: delay)
      #expect(lockout.decision(for: id, now: time) == .locked(until: until))
      let before = Timestamp(milliseconds: until.milliseconds - 1)
      #expect(lockout.decision(for: id, now: before) == .locked(until: until))
      #expect(lockout.decision(for: id, now: until) == .allowed)
      time = until
    }
    // Nobody else waits.
    #expect(lockout.decision(for: identity("b"), now: now) == .allowed)
    lockout.succeeded(id)
    #expect(lockout.decision(for: id, now: now) == .allowed)
    #expect(lockout.count == 0)
  }

  @Test
  func failuresAreForgotten() {
    var lockout = Lockout()
    let id = identity("a")
    for _ in 0..<5 { lockout.failed(id, now: now) }
    let later = now.adding(seconds: 901)
    lockout.failed(id, now: later)
    #expect(lockout.decision(for: id, now: later) == .allowed)
  }

  @Test
  func aClockThatStepsBackUnlocksNothing() {
    var lockout = Lockout()
    let id = identity("a")
    for _ in 0..<8 { lockout.failed(id, now: now) }
    let back = now.adding(seconds: -86_400)
    #expect(lockout.decision(for: id, now: back) == .locked(until: now.adding(seconds: 8)))
    lockout.failed(id, now: back)
    #expect(lockout.decision(for: id, now: now) == .locked(until: now.adding(seconds: 16)))
  }

  /// A flood of names neither takes memory nor pushes out the one that is guessed at.
  @Test
  func memoryIsBounded() {
    var lockout = Lockout()
    let victim = identity("victim")
    for _ in 0..<10 { lockout.failed(victim, now: now) }
    for number in 0..<30_000 {
      lockout.failed(identity("n\(number)"), now: now.adding(seconds: Int64(number / 1000)))
      #expect(lockout.count <= Lockout.mostIdentities)
    }
    #expect(
      lockout.decision(for: victim, now: now.adding(seconds: 30))
        == .locked(until: now.adding(seconds: 32))
    )
  }
}
