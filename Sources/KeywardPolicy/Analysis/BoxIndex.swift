import KeywardModel

/// Boxes by the last segment that each fixes, so that those near a region are found without a look at
/// all of them.
struct BoxIndex: Sendable {
  private static let levels = 6

  private struct Level: Sendable {
    var byText: [String: [Int]] = [:]
    var all: [Int] = []
  }

  private let boxes: [RuleBox]
  private var levels = [Level](repeating: Level(), count: BoxIndex.levels)
  /// Boxes that fix none of the first segments.
  private var others: [Int] = []

  init(_ boxes: [RuleBox]) {
    self.boxes = boxes
    for (number, box) in boxes.enumerated() {
      let fixed = (0..<Self.levels).last { box.hull.segment($0) != nil }
      if let fixed, let text = box.hull.segment(fixed) {
        levels[fixed].byText[text, default: []].append(number)
        levels[fixed].all.append(number)
      } else {
        others.append(number)
      }
    }
  }

  /// The boxes that are not apart from the region at first sight, in their order.
  func near(_ region: Region) -> [RuleBox] {
    var numbers = others
    for (index, level) in levels.enumerated() where !level.all.isEmpty {
      // A box that fixes this segment has paths that reach it.
      guard region.pathLengths >> UInt64(index + 1) != 0 else { break }
      if let text = region.segment(index) {
        numbers += level.byText[text] ?? []
      } else {
        numbers += level.all
      }
    }
    return numbers.sorted().compactMap { boxes[$0].isApart(from: region) ? nil : boxes[$0] }
  }
}

extension Region {
  /// The text of a segment that can be only one.
  fileprivate func segment(_ index: Int) -> String? {
    guard let only = segments[index]?.finite, only.count == 1 else { return nil }
    return only.first
  }
}
