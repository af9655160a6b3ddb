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
      // A difference that the universe shows is found; what else is found has an example that is true,
      // also to the evaluator that knows nothing of the engine.
      #expect(!gained || !difference.gained.isEmpty, "pair \(pair): \(texts(before, after))")
      #expect(!lost || !difference.lost.isEmpty, "pair \(pair): \(texts(before, after))")
      #expect(unexplained.isEmpty)
      let naiveBefore = NaiveEvaluator(set: before, officerUIDs: [7])
      let naiveAfter = NaiveEvaluator(set: after, officerUIDs: [7])
      for access in difference.gained {
        #expect(naiveAfter.isAllowed(access.example) && !naiveBefore.isAllowed(access.example))
      }
      for access in difference.lost {
        #expect(naiveBefore.isAllowed(access.example) && !naiveAfter.isAllowed(access.example))
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
      var brute = Brute()
      var gained = false
      var lost = false
      for index in Swift.stride(from: pair % stride, to: universe.requests.count, by: stride) {
        let request = universe.requests[index]
        let left = a.decide(request)
        let right = b.decide(request)
        if brute.isMore(right, than: left, request.principal) == true { gained = true }
        if brute.isMore(left, than: right, request.principal) == true { lost = true }
      }
      #expect(!gained || !difference.gained.isEmpty, "pair \(pair): \(texts(before, after))")
      #expect(!lost || !difference.lost.isEmpty, "pair \(pair): \(texts(before, after))")
      for access in difference.gained {
        let left = a.decide(access.example)
        let right = b.decide(access.example)
        let isMore = brute.isMore(right, than: left, access.example.principal)
        #expect(isMore ?? true, "\(access.example) \(texts(before, after))")
      }
      for access in difference.lost {
        let left = a.decide(access.example)
        let right = b.decide(access.example)
        let isMore = brute.isMore(left, than: right, access.example.principal)
        #expect(isMore ?? true, "\(access.example) \(texts(before, after))")
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
      #expect(!escalates || escalation != nil, "pair \(pair): \(texts(before, after))")
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
  /// Everybody whom `RandomPolicy`'s trees can tell apart, and several of each sort.
  private static let people: [Principal] = ["corp", "ci", "fi"].flatMap { issuer in
    ["x", "p1", "p2"].flatMap { name in
      [nil, "x", "k"].flatMap { cluster in
        [Principal.Kind.jwt, .certificate, .kmsSocket].map { kind in
          Principal(kind: kind, issuer: issuer, name: name, cluster: cluster)
        }
      }
    }
  }

  private struct Question: Hashable {
    let one: [ApprovalRequirement]
    let other: [ApprovalRequirement]
    let requester: Principal?
  }

  private var known: [Question: Bool?] = [:]
  private var left = 0
  /// Questions that were too large to be tried.
  private(set) var undecided = 0

  /// Whether `one` lets through what `other` does not, or for longer; nil if there are too many sets.
  mutating func isMore(
    _ one: Decision,
    than other: Decision,
    _ requester: Principal
  ) -> Bool? {
    guard one.isAllowed else { return false }
    guard other.isAllowed else { return true }
    if one.approvals == other.approvals { return false }
    let validity = { (decision: Decision) in decision.approvals.map(\.validFor).min() ?? .max }
    if validity(one) > validity(other) { return true }
    let question = Question(
      one: one.approvals,
      other: other.approvals,
      requester: Self.people.first { $0.isSameIdentity(as: requester) }
    )
    if let answer = known[question] { return answer }
    left = PolicyAnalysisTests.isLong ? 100_000 : 5000
    let found = search(approvers(question)[...], [], question, requester)
    let answer = found || left > 0 ? found : nil
    undecided += answer == nil ? 1 : 0
    known[question] = .some(answer)
    return answer
  }

  /// Whether some of the people, with those chosen, are enough for the one and not for the other.
  private mutating func search(
    _ people: ArraySlice<Principal>,
    _ chosen: [Principal],
    _ question: Question,
    _ requester: Principal
  ) -> Bool {
    left -= 1
    guard left > 0 else { return false }
    // More people are never less: what is enough for the other stays so.
    func isEnough(_ requirements: [ApprovalRequirement]) -> Bool {
      requirements.allSatisfy { $0.isSatisfied(by: chosen, requester: requester) }
    }
    if isEnough(question.other) { return false }
    if isEnough(question.one) { return true }
    guard let next = people.first, chosen.count < 6 else { return false }
    return search(people.dropFirst(), chosen + [next], question, requester)
      || search(people.dropFirst(), chosen, question, requester)
  }

  /// Up to three of each sort that the subjects tell apart: no tree of the generator takes more.
  private func approvers(_ question: Question) -> [Principal] {
    let subjects = (question.one + question.other).flatMap { requirement in
      requirement.tree.nodes.flatMap(\.subjects)
    }
    var sorts: [[Bool]: Int] = [:]
    return Self.people.filter { person in
      let sort = subjects.map { $0.matches(person) }
      guard sort.contains(true), question.requester.map({ !$0.isSameIdentity(as: person) }) ?? true,
        sorts[sort, default: 0] < 3
      else { return false }
      sorts[sort, default: 0] += 1
      return true
    }
  }
}
