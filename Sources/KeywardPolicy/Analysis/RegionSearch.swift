import KeywardModel

/// Looks for a request in a region and outside of boxes; exact, or an error when it would take too long.
struct RegionSearch {
  static let defaultSteps = 2_000_000

  /// How many regions and boxes it still looks at.
  var stepsLeft = defaultSteps

  /// A request that meets the constraints of all of `inside` and is in none of `outside`, with too few
  /// approvals for `goal` if there is one; nil if there is none.
  mutating func example(
    inside: [RuleBox],
    outside: [RuleBox],
    goal: ApprovalGoal? = nil
  ) throws(PolicyAnalysisError) -> PolicyRequest? {
    for principals in AnalyzedPolicy.principals
    where !inside.contains(where: { $0.isApart(from: principals) }) {
      for region in principals.meeting(inside.flatMap(\.constraints)) {
        let near = outside.filter { !$0.isApart(from: region) }
        if let found = try find(region, near[...], goal) { return found }
      }
    }
    return nil
  }

  /// Takes out of the region one box after the other, by every way in which a request can miss it.
  mutating func find(
    _ region: Region,
    _ outside: ArraySlice<RuleBox>,
    _ goal: ApprovalGoal?
  ) throws(PolicyAnalysisError) -> PolicyRequest? {
    // Each box can be one more level of calls, all of which hold what is left of the others.
    try step(1 + outside.count)
    var near: [RuleBox] = []
    var best: (index: Int, parts: [Region])?
    var tried = 0
    for box in outside where !box.isApart(from: region) {
      // The fewer ways to miss it, the sooner it is decided; a few are looked at for that.
      if tried < 16 {
        let inside = region.meeting(box.constraints)
        if inside.isEmpty { continue }
        tried += 1
        let parts = region.missing(box.constraints)
        if parts.isEmpty { return nil }
        if parts.count < best?.parts.count ?? .max { best = (near.count, parts) }
      }
      near.append(box)
    }
    guard let best else {
      guard let goal else { return region.example() }
      return try find(region, goal)
    }
    near.remove(at: best.index)
    for part in best.parts {
      if let found = try find(part, near[...], goal) { return found }
    }
    return nil
  }

  mutating func step(_ cost: Int = 1) throws(PolicyAnalysisError) {
    stepsLeft -= cost
    guard stepsLeft > 0 else { throw .tooLarge }
  }
}

/// Requirements that must not follow from those that `boxes` ask for.
struct ApprovalGoal: Sendable {
  /// Each of them must be more than what is asked for.
  let more: [ApprovalRequirement]
  /// The approval rules of the policy that asks, where it is still open whether they count.
  var open: [RuleBox]
  /// Those that count in the region.
  var counting: [ApprovalRequirement] = []

  init(more: [ApprovalRequirement], than boxes: [RuleBox]) {
    self.more = more
    open = boxes
  }
}

extension RegionSearch {
  /// Decides for each approval rule whether it counts, until all are decided.
  fileprivate mutating func find(
    _ region: Region,
    _ goal: ApprovalGoal
  ) throws(PolicyAnalysisError) -> PolicyRequest? {
    try step()
    // What asks for the same is no less.
    for wanted in goal.more
    where goal.counting.contains(where: { $0.tree == wanted.tree && $0.validFor <= wanted.validFor }
    ) {
      return nil
    }
    var goal = goal
    goal.open = goal.open.filter { box in
      !box.isApart(from: region) && !goal.counting.contains { $0 == box.requirement }
    }
    while let box = goal.open.popLast() {
      let inside = region.meeting(box.constraints)
      guard !inside.isEmpty, let requirement = box.requirement else { continue }
      for part in region.missing(box.constraints) {
        if let found = try find(part, goal) { return found }
      }
      goal.counting.append(requirement)
      for part in inside {
        if let found = try find(part, goal) { return found }
      }
      return nil
    }
    return try decided(region, goal)
  }

  /// All approval rules are decided: whether approvals can be enough for those that count, and not for
  /// what is wanted.
  ///
  /// Who is one of a finite number of possible approvers cannot approve for themselves, so requests of
  /// each of these are looked at one by one.
  private mutating func decided(
    _ region: Region,
    _ goal: ApprovalGoal
  ) throws(PolicyAnalysisError) -> PolicyRequest? {
    let trees = goal.counting.map(\.tree) + goal.more.map(\.tree)
    let approvers = try Approvers(trees, &self)
    var boxes: [RuleBox] = []
    for identity in approvers.identities.keys.sorted() {
      guard let box = RuleBox(identity.constraints) else { continue }
      boxes.append(box)
      var example: PolicyRequest?
      for part in region.meeting(box.constraints) where example == nil { example = part.example() }
      if let example, try areMore(goal, approvers, without: identity) { return example }
    }
    guard try areMore(goal, approvers, without: nil) else { return nil }
    return try find(region, boxes[...], nil)
  }

  private mutating func areMore(
    _ goal: ApprovalGoal,
    _ approvers: Approvers,
    without requester: Approvers.Identity?
  ) throws(PolicyAnalysisError) -> Bool {
    let shortest = goal.counting.map(\.validFor).min() ?? .max
    for (index, wanted) in goal.more.enumerated() where shortest <= wanted.validFor {
      // An approval that counts no longer: it is more only if other people can give it.
      let given = Array(goal.counting.indices)
      let isMore = try approvers.canSatisfy(
        given,
        without: goal.counting.count + index,
        requester: requester,
        &self
      )
      if !isMore { return false }
    }
    return true
  }
}
