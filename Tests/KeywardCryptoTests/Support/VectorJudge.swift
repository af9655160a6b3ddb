import KeywardCrypto
import Testing

/// Compares what Keyward does with a vector with what the vector, or a decision of ours, asks for.
struct VectorJudge {
  /// What was decided about vectors that are not simply valid or invalid.
  struct Decision {
    let accept: Bool
    let reason: String
  }

  let file: VectorFile
  /// Decides each "acceptable" by its flags; one that is not decided fails.
  let acceptable: (VectorFile.Case) -> Decision?
  private(set) var accepted = 0
  private(set) var refused = 0
  private(set) var narrower = 0

  init(
    _ name: String,
    acceptable: @escaping (VectorFile.Case) -> Decision? = { _ in nil }
  ) throws {
    file = try VectorFile(name)
    self.acceptable = acceptable
  }

  /// Judges one vector.
  ///
  /// `narrower` is the rule of ours, if any, by which a valid one is refused too.
  mutating func judge(
    _ vector: VectorFile.Case,
    narrower rule: String? = nil,
    _ accepts: () throws -> Bool
  ) {
    var wanted = vector.result == "valid"
    if vector.result == "acceptable" {
      guard let decision = acceptable(vector) else {
        Issue.record("\(file.name) \(vector.id): undecided \(vector.flags.sorted())")
        return
      }
      wanted = decision.accept
    }
    if rule != nil {
      wanted = false
      narrower += 1
    }
    let found: Bool
    do {
      found = try accepts()
    } catch is CryptoError {
      found = false
    } catch {
      Issue.record(error)
      return
    }
    if found { accepted += 1 } else { refused += 1 }
    if found != wanted {
      Issue.record(
        "\(file.name) \(vector.id) \(vector.result): \(found ? "accepted" : "refused") \(vector.flags.sorted())"
      )
    }
  }

  /// Says what was judged, and that it was not nothing.
  func finish() {
    let count = file.groups.map(\.cases.count).reduce(0, +)
    #expect(accepted + refused == count)
    print("\(file.name): \(accepted) accepted, \(refused) refused, \(narrower) by a rule of ours")
  }
}
