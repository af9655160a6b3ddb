import Foundation
import KeywardModel
import KeywardPolicy
import Testing

/// Differences, containment, escalation and tightening against every request of small universes.
///
/// The universe of a pair has a request of every sort that the two tell apart, so both ways hold: what
/// brute force finds the analysis finds, and what the analysis finds brute force finds. An analysis that
/// gives up is a failure.
@Suite
struct PolicyAnalysisTests {
  static let isLong = ProcessInfo.processInfo.environment["KEYWARD_LONG"] != nil

  /// Sets of features, a thousand pairs of each in the long form.
  static let pieces: [RandomPolicy.Features] = [
    [.templates], [.names], [.names, .templates], [.claims, .templates],
    [.environments, .templates],
    [.times], [.sources], [.kinds, .templates], [.approvals], [.approvals, .templates],
  ]

  /// All of them, or the one that KEYWARD_PIECE names.
  static let numbers: [Int] = {
    let named = ProcessInfo.processInfo.environment["KEYWARD_PIECE"].flatMap { Int($0) }
    return pieces.indices.filter { named == nil || named == $0 }
  }()

  /// Any three features at once, where the universe is not too large to be walked through.
  @Test
  func analysesOfMixedFeaturesAgreeWithBruteForce() throws {
    var random = RandomPolicy(seed: 17)
    var tally = Tally()
    while tally.pairs < (Self.isLong ? 500 : 4) {
      random.features = []
      for _ in 0..<3 { random.features.insert(.init(rawValue: 1 << random.random.below(8))) }
      let (before, after) = try Self.pair(&random)
      let writer = random.writer()
      let universe = Universe([before, after], officers: AnalyzedPair.officers, writer: writer)
      guard universe.count < (Self.isLong ? 200_000 : 4000) else { continue }
      let pair = AnalyzedPair(before, after)
      do {
        try pair.compare(&tally)
        try pair.compareEscalation(by: writer, &tally)
      } catch {
        Issue.record("\(error)\n\(pair)")
      }
      tally.pairs += 1
    }
    Self.tell("mixed features: \(tally)")
    #expect(tally.gained > 0 && tally.lost > 0 || !Self.isLong, "\(tally)")
  }

  @Test(arguments: numbers)
  func analysesAgreeWithBruteForce(_ piece: Int) throws {
    let features = Self.pieces[piece]
    var random = RandomPolicy(seed: UInt64(features.rawValue) + 7, features: features)
    var tally = Tally()
    while tally.pairs < (Self.isLong ? 1000 : 2) {
      let (before, after) = try Self.pair(&random)
      // The quick form takes pairs that are soon walked through.
      if !Self.isLong, Universe([before, after], officers: AnalyzedPair.officers).count > 4000 {
        continue
      }
      let pair = AnalyzedPair(before, after)
      do {
        try pair.compare(&tally)
        try pair.compareEscalation(by: random.writer(), &tally)
        try pair.compareTightening(&random.random, &tally)
        try pair.compareIdentities(with: random.writer(), &random.random, &tally)
      } catch {
        Issue.record("pair \(tally.pairs): \(error)\n\(pair)")
      }
      tally.pairs += 1
    }
    Self.tell("piece \(piece): \(tally)")
    guard Self.isLong else { return }
    #expect(tally.gained > 0 && tally.lost > 0 && tally.equivalent > 0, "\(tally)")
    #expect(tally.escalations > 0 && tally.smaller > 0 && tally.identities > 0, "\(tally)")
    #expect(!features.contains(.approvals) || tally.fewerApprovals > 0, "\(tally)")
  }

  /// Says what a long run has seen.
  static func tell(_ words: String) {
    if isLong { FileHandle.standardError.write(Data((words + "\n").utf8)) }
  }

  /// A random policy, and another one or the same with changes.
  private static func pair(_ random: inout RandomPolicy) throws -> (PolicySet, PolicySet) {
    let old = random.document()
    let before = try PolicySet(old)
    while true {
      let new = random.random.chance(4) ? random.document() : random.changed(old)
      // A changed binding can be of a role that is not there.
      if let after = try? PolicySet(new) { return (before, after) }
    }
  }

  /// What was seen; a run in which nothing differs has shown nothing.
  struct Tally {
    var pairs = 0
    var requests = 0
    var gained = 0
    var lost = 0
    var fewerApprovals = 0
    var equivalent = 0
    var escalations = 0
    var smaller = 0
    var identities = 0
    var examples = 0
  }
}

/// Two policies, with what the engine and the naive evaluator say of each.
private struct AnalyzedPair: CustomStringConvertible {
  static let officers: Set<UInt32> = [7]

  let before: PolicySet
  let after: PolicySet
  let old: CompiledPolicy
  let new: CompiledPolicy
  let hasApprovals: Bool

  init(_ before: PolicySet, _ after: PolicySet) {
    self.before = before
    self.after = after
    old = CompiledPolicy(before, officerUIDs: Self.officers)
    new = CompiledPolicy(after, officerUIDs: Self.officers)
    hasApprovals = (before.documents + after.documents).contains { $0.kind == .approvalRule }
  }

  var description: String { before.canonicalText + "\n=====\n" + after.canonicalText }

  /// Difference and containment, both ways.
  func compare(_ tally: inout PolicyAnalysisTests.Tally) throws {
    let difference = try PolicyDifference(from: old, to: new)
    let universe = Universe([before, after], officers: Self.officers)
    var gains = BruteApprovals(after, before)
    var losses = BruteApprovals(before, after)
    var brute = (gained: 0, lost: 0)
    let named = (gained: names(difference.gained), lost: names(difference.lost))
    universe.walk { request in
      tally.requests += 1
      let (isGained, isLost) = change(request, &gains, &losses)
      // The first of each direction must be by rules that the difference names.
      if isGained, brute.gained < 2 {
        #expect(named.gained.isSuperset(of: holders(new, request)), "\(request)\n\(self)")
      }
      if isLost, brute.lost < 2 {
        #expect(named.lost.isSuperset(of: holders(old, request)), "\(request)\n\(self)")
      }
      brute.gained += isGained ? 1 : 0
      brute.lost += isLost ? 1 : 0
    }
    #expect(
      (brute.gained > 0) == !difference.gained.isEmpty,
      "gained: \(difference.gained)\n\(self)"
    )
    #expect((brute.lost > 0) == !difference.lost.isEmpty, "lost: \(difference.lost)\n\(self)")
    for access in difference.gained {
      #expect(isMore(access.example, after, before, &gains), "\(access.example)\n\(self)")
      tally.examples += 1
    }
    for access in difference.lost {
      #expect(isMore(access.example, before, after, &losses), "\(access.example)\n\(self)")
      tally.examples += 1
    }
    #expect(try (PolicyDifference.access(of: new, notIn: old) == nil) == (brute.gained == 0))
    #expect(try (PolicyDifference.access(of: old, notIn: new) == nil) == (brute.lost == 0))
    tally.gained += brute.gained > 0 ? 1 : 0
    tally.lost += brute.lost > 0 ? 1 : 0
    tally.equivalent += difference.isEmpty ? 1 : 0
    tally.fewerApprovals += difference.gained.contains { $0.cause == .fewerApprovals } ? 1 : 0
  }

  /// An escalation is found if and only if a request shows one.
  func compareEscalation(
    by writer: Principal,
    _ tally: inout PolicyAnalysisTests.Tally
  ) throws {
    let asked = PolicyRequest(
      principal: writer,
      operation: .policyEscalate,
      resource: Resource.policy,
      time: Timestamp(milliseconds: 0)
    )
    let found = try PolicyEscalation.find(
      from: old,
      to: new,
      by: writer,
      time: asked.time,
      source: nil
    )
    let mayEscalate = old.decide(asked)
    if mayEscalate.isAllowed, mayEscalate.approvals.isEmpty {
      #expect(found == nil)
      return
    }
    let universe = Universe([before, after], officers: Self.officers, writer: writer)
    var gains = BruteApprovals(after, before)
    var losses = BruteApprovals(before, after)
    var escalates = false
    universe.walk { request in
      if escalates { return }
      guard change(request, &gains, &losses).isGained else { return }
      escalates = isLacking(request, writer, &gains)
    }
    #expect(escalates == (found != nil), "\(writer) \(String(describing: found))\n\(self)")
    guard let found else { return }
    #expect(isMore(found.example, after, before, &gains), "\(found.example)\n\(self)")
    #expect(isLacking(found.example, writer, &gains), "\(found.example) \(writer)\n\(self)")
    tally.escalations += 1
    tally.examples += 1
  }

  /// The proposal keeps what was used, and by brute force allows nothing new; what it takes away is
  /// told.
  func compareTightening(
    _ random: inout SplitMix,
    _ tally: inout PolicyAnalysisTests.Tally
  ) throws {
    var used: [PolicyRequest] = []
    Universe([after], officers: Self.officers).walk { request in
      if random.chance(40), used.count < 12 { used.append(request) }
    }
    let proposal = try PolicyTightening(new, used: used).proposal
    let naive = NaiveEvaluator(set: after, officerUIDs: Self.officers)
    let smaller = NaiveEvaluator(set: proposal, officerUIDs: Self.officers)
    for request in used {
      #expect(naive.isAllowed(request) == smaller.isAllowed(request), "\(request)\n\(self)")
    }
    let pair = AnalyzedPair(after, proposal)
    var inner = PolicyAnalysisTests.Tally()
    try pair.compare(&inner)
    #expect(inner.gained == 0, "\(pair)")
    tally.smaller += inner.lost
    tally.requests += inner.requests
    tally.examples += inner.examples
  }

  /// Who lets somebody be one of some identities gives away more than they hold if and only if a
  /// request of one of these shows it.
  func compareIdentities(
    with maker: Principal,
    _ random: inout SplitMix,
    _ tally: inout PolicyAnalysisTests.Tally
  ) throws {
    // The same values as below, but not the maker, whom the universe has besides.
    let all = Universe([after], officers: Self.officers, writer: maker).principals
    let one = random.pick(Array(all.dropLast()))
    let isOne = random.chance(2)
    let identities =
      isOne
      ? IdentitySet(one)
      : IdentitySet(
        kind: one.kind,
        issuers: [one.issuer],
        cluster: random.chance(2) ? .exactly(one.cluster) : .any
      )
    let found = try PolicyEscalation.find(
      new,
      letting: maker,
      be: identities,
      time: Timestamp(milliseconds: 0),
      source: nil
    )
    func isOneOf(_ principal: Principal) -> Bool {
      principal.kind == identities.kind && identities.issuers.contains(principal.issuer)
        && (principal.kind == .jwt || principal.claims.isEmpty)
        && (identities.name.map { $0 == principal.name } ?? true)
        && (identities.cluster == .any || identities.cluster == .exactly(principal.cluster))
        && (identities.environment == .any
          || identities.environment == .exactly(principal.environment))
    }
    let mayEscalate = new.decide(
      PolicyRequest(
        principal: maker,
        operation: .policyEscalate,
        resource: Resource.policy,
        time: Timestamp(milliseconds: 0)
      )
    )
    var escalates = false
    let same = AnalyzedPair(after, after)
    var brute = BruteApprovals(after, after)
    if !mayEscalate.isAllowed || !mayEscalate.approvals.isEmpty {
      let universe = Universe([after], officers: Self.officers, writer: maker, only: isOneOf)
      universe.walk { request in
        // What everybody may do with their own identity is nothing to hold.
        let isOwn =
          [.selfRead, .selfRenew, .selfRevoke].contains(request.operation)
          && request.resource.description == "self"
        guard !escalates, !isOwn, new.isAllowed(request) else { return }
        escalates = same.isLacking(request, maker, &brute)
      }
      for principal in universe.principals where !escalates {
        for (time, source) in universe.moments.flatMap({ time in
          universe.sources.map { (time, $0) }
        }) {
          let vote = PolicyRequest(
            principal: principal,
            operation: .approvalApprove,
            resource: ResourcePath(.approvals),
            time: time,
            source: source
          )
          // A built-in binding gives an officer everything: there is no letting anybody be one.
          if new.isAllowed(vote), principal.kind != .unixPeer { escalates = true }
        }
      }
    }
    if one.kind == .unixPeer || one.kind == .kmsSocket { return }
    #expect(
      escalates == (found != nil),
      "\(maker) \(identities) \(String(describing: found))\n\(after.canonicalText)"
    )
    tally.identities += found == nil ? 0 : 1
    guard let found else { return }
    #expect(isOneOf(found.example.principal), "\(identities) \(found)")
    #expect(
      NaiveEvaluator(set: after, officerUIDs: Self.officers).isAllowed(found.example),
      "\(found)\n\(after.canonicalText)"
    )
  }

  // MARK: - Brute force

  private func change(
    _ request: PolicyRequest,
    _ gains: inout BruteApprovals,
    _ losses: inout BruteApprovals
  ) -> (isGained: Bool, isLost: Bool) {
    let left = old.isAllowed(request)
    let right = new.isAllowed(request)
    guard left, right, hasApprovals else { return (right && !left, left && !right) }
    let asked = Set(old.decide(request).approvals.map(\.rule))
    let then = Set(new.decide(request).approvals.map(\.rule))
    return (
      gains.isMore(then, than: asked, request.principal),
      losses.isMore(asked, than: then, request.principal)
    )
  }

  /// Whether the writer may not do it under the old policy, or needs more approvals than the new one
  /// asks for.
  private func isLacking(
    _ request: PolicyRequest,
    _ writer: Principal,
    _ gains: inout BruteApprovals
  ) -> Bool {
    let own = request.asked(by: writer)
    guard old.isAllowed(own) else { return true }
    guard hasApprovals else { return false }
    let asked = Set(old.decide(own).approvals.map(\.rule))
    let then = Set(new.decide(request).approvals.map(\.rule))
    return gains.isMore(then, than: asked, request.principal)
  }

  /// The same of one request, by the evaluator that knows nothing of the engine.
  private func isMore(
    _ request: PolicyRequest,
    _ one: PolicySet,
    _ other: PolicySet,
    _ brute: inout BruteApprovals
  ) -> Bool {
    let left = NaiveEvaluator(set: one, officerUIDs: Self.officers)
    let right = NaiveEvaluator(set: other, officerUIDs: Self.officers)
    guard left.isAllowed(request) else { return false }
    guard right.isAllowed(request) else { return true }
    return brute.isMore(
      left.approvals(request),
      than: right.approvals(request),
      request.principal
    )
  }

  private func names(_ access: [PolicyDifference.Access]) -> Set<String> {
    Set(access.map(\.rule))
  }

  /// The rules that allow it.
  private func holders(_ policy: CompiledPolicy, _ request: PolicyRequest) -> Set<String> {
    let explanation = policy.explain(request)
    return Set(
      explanation.allowing.map(\.description)
        + (explanation.builtIn.map { [$0.rawValue] } ?? [])
    )
  }
}
