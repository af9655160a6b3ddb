import Foundation
import KeywardPolicy
import Testing

/// What `keyward bench policy` measures is what it says.
@Suite
struct PolicyBenchmarkTests {
  @Test(arguments: [10, 1000])
  func everyRequestIsAllowed(_ rules: Int) throws {
    let benchmark = try PolicyBenchmark(rules: rules)
    #expect(benchmark.allowed == benchmark.requests.count)
    let count = benchmark.policy.set.documents.reduce(0) { sum, document in
      guard case .role(let role) = document.body else { return sum }
      return sum + role.rules.count
    }
    #expect((rules...rules + 10).contains(count))
  }
}
