import KeywardModel

/// Boxes in a trie of the first segments that they fix, so that those near a region are found without a
/// look at all of them.
struct BoxIndex: Sendable {
  private static let levels = 6

  private struct Node: Sendable {
    /// Boxes that fix the next segment.
    var byText: [String: Int] = [:]
    /// Boxes that leave it open and fix one after it.
    var open: Int?
    /// Boxes that fix no more.
    var boxes: [Int] = []
  }

  private let boxes: [RuleBox]
  private var nodes = [Node()]

  init(_ boxes: [RuleBox]) {
    self.boxes = boxes
    for (number, box) in boxes.enumerated() {
      let segments = (0..<Self.levels).map { box.hull.segment($0) }
      let fixed = segments.lastIndex { $0 != nil }.map { segments[...$0] } ?? []
      var node = 0
      for text in fixed { node = child(of: node, text) }
      nodes[node].boxes.append(number)
    }
  }

  private mutating func child(of node: Int, _ text: String?) -> Int {
    if let known = text.map({ nodes[node].byText[$0] }) ?? nodes[node].open { return known }
    let new = nodes.count
    nodes.append(Node())
    if let text { nodes[node].byText[text] = new } else { nodes[node].open = new }
    return new
  }

  /// The boxes that are not apart from the region at first sight, in their order.
  func near(_ region: Region) -> [RuleBox] {
    var numbers: [Int] = []
    find(region, 0, 0, &numbers)
    return numbers.sorted().compactMap { boxes[$0].isApart(from: region) ? nil : boxes[$0] }
  }

  private func find(_ region: Region, _ node: Int, _ level: Int, _ numbers: inout [Int]) {
    numbers += nodes[node].boxes
    // A box that fixes this segment has paths that reach it.
    guard level < Self.levels, region.pathLengths >> UInt64(level + 1) != 0 else { return }
    if let open = nodes[node].open { find(region, open, level + 1, &numbers) }
    if let text = region.segment(level) {
      if let next = nodes[node].byText[text] { find(region, next, level + 1, &numbers) }
    } else {
      for next in nodes[node].byText.values { find(region, next, level + 1, &numbers) }
    }
  }
}

extension Region {
  /// The text of a segment that can be only one.
  fileprivate func segment(_ index: Int) -> String? {
    guard let only = segments[index]?.finite, only.count == 1 else { return nil }
    return only.first
  }
}
