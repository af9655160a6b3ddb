import Foundation
import KeywardModel
import KeywardPolicy
import Testing

/// Differences, containment and escalation against every request of small universes.
@Suite
struct PolicyAnalysisTests {
  static let isLong = ProcessInfo.processInfo.environment["KEYWARD_LONG"] != nil

  /// Sets of features whose universe can be walked through for every pair.
  static let small: [RandomPolicy.Features] = [
    [.templates], [.names], [.claims, .templates], [.environments], [.times], [.sources], [.kinds],
  ]

  @Test(arguments: small)
  func differencesAgreeWithBruteForce(_ features: RandomPolicy.Features) throws {
    let universe = Universe(features)
    var random = RandomPolicy(seed: UInt64(features.rawValue), features: features)
    var equivalent = 0
    // The long form walks the whole universe for each pair, the quick one through a part of it.
    let pairs = Self.isLong ? min(1700, 60_000_000 / universe.requests.count) : 45
    let stride = Self.isLong ? 1 : max(1, universe.requests.count / 400)
    for pair in 0..<pairs {
      let old = random.document()
      let new = random.random.chance(3) ? random.document() : random.changed(old)
      guard let before = try? PolicySet(old), let after = try? PolicySet(new) else { continue }
      let a = CompiledPolicy(before, officerUIDs: [7])
      let b = CompiledPolicy(after, officerUIDs: [7])
      let difference = try PolicyDifference(from: a, to: b)
      var gained = false
      var lost = false
      let rules = Set(difference.gained.map(\.rule) + difference.lost.map(\.rule))
      var unexplained: [String] = []
      for index in Swift.stride(from: pair % stride, to: universe.requests.count, by: stride) {
        let request = universe.requests[index]
        let left = a.isAllowed(request)
        let right = b.isAllowed(request)
        guard left != right else { continue }
        // The first of each direction must be by a rule that the difference names.
        defer { if right { gained = true } else { lost = true } }
        if right ? gained : lost { continue }
        let holder = right ? b.explain(request) : a.explain(request)
        let allowing = holder.allowing.map(\.description) + [holder.builtIn?.rawValue ?? ""]
        if rules.isDisjoint(with: allowing) { unexplained.append(holder.decision.rule) }
      }
      // What a part of the universe does not show, an example still must.
      if gained || Self.isLong {
        #expect(gained == !difference.gained.isEmpty, "pair \(pair): \(texts(before, after))")
      }
      if lost || Self.isLong {
        #expect(lost == !difference.lost.isEmpty, "pair \(pair): \(texts(before, after))")
      }
      #expect(unexplained.isEmpty)
      for access in difference.gained {
        #expect(b.decide(access.example).isAllowed && !a.decide(access.example).isAllowed)
      }
      for access in difference.lost {
        #expect(a.decide(access.example).isAllowed && !b.decide(access.example).isAllowed)
      }
      #expect(try (PolicyDifference.access(of: b, notIn: a) == nil) == difference.gained.isEmpty)
      #expect(try (PolicyDifference.access(of: a, notIn: b) == nil) == difference.lost.isEmpty)
      if difference.isEmpty { equivalent += 1 }
    }
    #expect(equivalent < pairs)
  }

  /// Differences in approvals, against every set of four approvers or fewer.
  @Test
  func approvalDifferencesAgreeWithBruteForce() throws {
    let features: RandomPolicy.Features = [.approvals]
    let universe = Universe(features)
    var random = RandomPolicy(seed: 99, features: features)
    let pairs = Self.isLong ? 1500 : 20
    let stride = Self.isLong ? 1 : max(1, universe.requests.count / 100)
    var found = (gained: 0, equivalent: 0)
    for pair in 0..<pairs {
      let old = random.document()
      let new = random.random.chance(4) ? random.document() : random.changed(old)
      guard let before = try? PolicySet(old), let after = try? PolicySet(new) else { continue }
      let a = CompiledPolicy(before, officerUIDs: [])
      let b = CompiledPolicy(after, officerUIDs: [])
      let difference = try PolicyDifference(from: a, to: b)
      let brute = Brute(approvers: universe.approvers)
      var gained = false
      var lost = false
      for index in Swift.stride(from: pair % stride, to: universe.requests.count, by: stride) {
        let request = universe.requests[index]
        let left = a.decide(request)
        let right = b.decide(request)
        if brute.isMore(right, than: left, request.principal) { gained = true }
        if brute.isMore(left, than: right, request.principal) { lost = true }
      }
      if gained || Self.isLong {
        #expect(gained == !difference.gained.isEmpty, "pair \(pair): \(texts(before, after))")
      }
      if lost || Self.isLong {
        #expect(lost == !difference.lost.isEmpty, "pair \(pair): \(texts(before, after))")
      }
      for access in difference.gained {
        let left = a.decide(access.example)
        let right = b.decide(access.example)
        #expect(brute.isMore(right, than: left, access.example.principal), "\(access)")
      }
      for access in difference.lost {
        let left = a.decide(access.example)
        let right = b.decide(access.example)
        #expect(brute.isMore(left, than: right, access.example.principal), "\(access)")
      }
      found.gained += difference.gained.contains { $0.cause == .fewerApprovals } ? 1 : 0
      found.equivalent += difference.isEmpty ? 1 : 0
    }
    #expect(found.gained > 0)
  }

  /// An escalation is found if and only if some request shows one.
  @Test(arguments: [[], [.templates], [.times], [.sources]] as [RandomPolicy.Features])
  func escalationsAgreeWithBruteForce(_ features: RandomPolicy.Features) throws {
    let universe = Universe(features)
    var random = RandomPolicy(seed: 5 + UInt64(features.rawValue), features: features)
    let pairs = Self.isLong ? 500 : 15
    let stride = Self.isLong ? 1 : max(1, universe.requests.count / 400)
    var found = 0
    for pair in 0..<pairs {
      let old = random.document()
      let new = random.changed(old)
      guard let before = try? PolicySet(old), let after = try? PolicySet(new) else { continue }
      let a = CompiledPolicy(before, officerUIDs: [])
      let b = CompiledPolicy(after, officerUIDs: [])
      let writer = Principal(kind: .jwt, issuer: "corp", name: "x", cluster: "x")
      let asked = PolicyRequest(
        principal: writer,
        operation: .policyEscalate,
        resource: Resource.policy,
        time: Timestamp(milliseconds: 0)
      )
      if a.decide(asked).isAllowed { continue }
      let escalation = try PolicyEscalation.find(
        from: a,
        to: b,
        by: writer,
        time: asked.time,
        source: nil
      )
      var escalates = false
      for index in Swift.stride(from: pair % stride, to: universe.requests.count, by: stride) {
        let request = universe.requests[index]
        if b.isAllowed(request), !a.isAllowed(request),
          !a.isAllowed(request.asked(by: writer))
        {
          escalates = true
        }
      }
      if escalates || Self.isLong {
        #expect(escalates == (escalation != nil), "pair \(pair): \(texts(before, after))")
      }
      guard let escalation else { continue }
      found += 1
      #expect(b.decide(escalation.example).isAllowed)
      #expect(!a.decide(escalation.example).isAllowed)
      #expect(!a.decide(escalation.example.asked(by: writer)).isAllowed)
    }
    #expect(found > 0)
  }

  private func texts(_ a: PolicySet, _ b: PolicySet) -> String {
    a.canonicalText + "\n=====\n" + b.canonicalText
  }
}

/// Who can get a request through with which approvers, tried one by one.
private struct Brute {
  let sets: [[Principal]]

  init(approvers: [Principal]) {
    // One who is named alone, and three of each issuer: no tree of the generator asks for more.
    var sets: [[Principal]] = [[]]
    let people =
      approvers + [
        Principal(kind: .jwt, issuer: "corp", name: "x", cluster: "x"),
        Principal(kind: .certificate, issuer: "corp", name: "x", cluster: "x"),
        Principal(kind: .certificate, issuer: "corp", name: "p1", cluster: "x"),
        Principal(kind: .certificate, issuer: "ci", name: "p1"),
        Principal(kind: .jwt, issuer: "ci", name: "x", cluster: "x"),
        Principal(kind: .jwt, issuer: "corp", name: "p1", cluster: "x"),
        Principal(kind: .jwt, issuer: "ci", name: "p2", cluster: "x"),
        Principal(kind: .jwt, issuer: "ci", name: "x"),
        Principal(kind: .jwt, issuer: "corp", name: "x"),
      ]
    for person in people {
      sets += sets.filter { $0.count < 4 }.map { $0 + [person] }
    }
    self.sets = sets
  }

  /// Whether `one` lets through what `other` does not, or for longer.
  func isMore(
    _ one: Decision,
    than other: Decision,
    _ requester: Principal
  ) -> Bool {
    guard one.isAllowed else { return false }
    guard other.isAllowed else { return true }
    if one.approvals == other.approvals { return false }
    let validity = { (decision: Decision) in decision.approvals.map(\.validFor).min() ?? .max }
    if validity(one) > validity(other) { return true }
    return sets.contains { set in
      one.approvals.allSatisfy { $0.isSatisfied(by: set, requester: requester) }
        && !other.approvals.allSatisfy { $0.isSatisfied(by: set, requester: requester) }
    }
  }
}
