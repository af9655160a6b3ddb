import KeywardModel
import Testing

/// Which environment a caller gets, and where a value is looked for.
@Suite
struct EnvironmentTreeTests {
  /// base ← dev; base ← staging; base ← prod ← prod-eu, prod-us; sandbox.
  static let tree = EnvironmentTree([
    environment("base"), environment("dev", "base"), environment("staging", "base"),
    environment("prod", "base", isProduction: true),
    environment("prod-eu", "prod", isProduction: true),
    environment("prod-us", "prod", isProduction: true), environment("sandbox"),
  ])

  static func environment(
    _ name: String,
    _ parent: String? = nil,
    isProduction: Bool = false
  ) -> Environment {
    guard let name = try? EnvironmentName(name) else { preconditionFailure(name) }
    return Environment(
      name: name,
      parent: parent.flatMap { try? EnvironmentName($0) },
      isProduction: isProduction
    )
  }

  /// A row of the table: what the request names, the identity's attribute, the cluster's environment,
  /// and what comes of it: `name source`, with `!` for production, or the words of the refusal.
  struct Row: Sendable, CustomTestStringConvertible {
    let requested: String?
    let identity: String?
    let cluster: String?
    let outcome: String

    init(_ requested: String?, _ identity: String?, _ cluster: String?, _ outcome: String) {
      self.requested = requested
      self.identity = identity
      self.cluster = cluster
      self.outcome = outcome
    }

    var testDescription: String {
      "env \(requested ?? "-") identity \(identity ?? "-") cluster \(cluster ?? "-")"
    }
  }

  static let rows: [Row] = [
    // Nothing says which: never a default, least of all production.
    Row(nil, nil, nil, "names no environment"),
    // The request names it.
    Row("dev", nil, nil, "dev request"),
    Row("base", nil, nil, "base request"),
    Row("staging", nil, nil, "staging request"),
    Row("sandbox", nil, nil, "sandbox request"),
    Row("prod", nil, nil, "prod! request"),
    Row("prod-eu", nil, nil, "prod-eu! request"),
    Row("nowhere", nil, nil, "nowhere request"),
    // The identity has it as its own, production too.
    Row(nil, "dev", nil, "dev identity"),
    Row(nil, "staging", nil, "staging identity"),
    Row(nil, "sandbox", nil, "sandbox identity"),
    Row(nil, "prod", nil, "prod! identity"),
    Row(nil, "prod-eu", nil, "prod-eu! identity"),
    Row(nil, "prod-us", nil, "prod-us! identity"),
    Row(nil, "nowhere", nil, "nowhere identity"),
    // The cluster's: a default, and so never production.
    Row(nil, nil, "dev", "dev cluster"),
    Row(nil, nil, "base", "base cluster"),
    Row(nil, nil, "staging", "staging cluster"),
    Row(nil, nil, "sandbox", "sandbox cluster"),
    Row(nil, nil, "nowhere", "nowhere cluster"),
    Row(nil, nil, "prod", "never a default"),
    Row(nil, nil, "prod-eu", "never a default"),
    Row(nil, nil, "prod-us", "never a default"),
    // The request comes before the others; whether it may is policy's to say.
    Row("dev", "staging", nil, "dev request"),
    Row("dev", "prod", nil, "dev request"),
    Row("dev", "prod", "prod", "dev request"),
    Row("dev", nil, "prod", "dev request"),
    Row("prod", "dev", nil, "prod! request"),
    Row("prod", "dev", "staging", "prod! request"),
    Row("prod", nil, "dev", "prod! request"),
    Row("prod-eu", "prod-us", nil, "prod-eu! request"),
    Row("prod-eu", "prod-us", "prod-us", "prod-eu! request"),
    Row("prod", "prod", "prod", "prod! request"),
    Row("dev", "dev", "dev", "dev request"),
    Row("staging", nil, "staging", "staging request"),
    Row("nowhere", "dev", "staging", "nowhere request"),
    // The identity comes before its cluster.
    Row(nil, "dev", "staging", "dev identity"),
    Row(nil, "staging", "dev", "staging identity"),
    Row(nil, "dev", "prod", "dev identity"),
    Row(nil, "prod", "dev", "prod! identity"),
    Row(nil, "prod", "prod", "prod! identity"),
    Row(nil, "prod-eu", "prod", "prod-eu! identity"),
    Row(nil, "prod", "nowhere", "prod! identity"),
    Row(nil, "sandbox", "prod-us", "sandbox identity"),
    Row(nil, "nowhere", "dev", "nowhere identity"),
    // A source that is there and wrong is an error; the next one is not asked.
    Row("", nil, nil, "name of the environment"),
    Row("", "dev", nil, "name of the environment"),
    Row("", "prod", "dev", "name of the environment"),
    Row("Prod", nil, nil, "name of the environment"),
    Row("PROD", "dev", "dev", "name of the environment"),
    Row("prod/eu", "dev", nil, "name of the environment"),
    Row(".", "dev", nil, "name of the environment"),
    Row("..", nil, nil, "name of the environment"),
    Row("*", "dev", nil, "name of the environment"),
    Row("{environment}", "dev", nil, "name of the environment"),
    Row("dev ", "dev", nil, "name of the environment"),
    Row("prod\u{0}", "dev", nil, "name of the environment"),
    Row("pröd", "dev", nil, "name of the environment"),
    Row(nil, "", nil, "caller's identity is no name"),
    Row(nil, "", "dev", "caller's identity is no name"),
    Row(nil, "Production", nil, "caller's identity is no name"),
    Row(nil, "Production", "dev", "caller's identity is no name"),
    Row(nil, "prod eu", "prod", "caller's identity is no name"),
    Row(nil, "refs/heads/main", "dev", "caller's identity is no name"),
    Row("dev", "Production", nil, "dev request"),
    // A cluster's environment that is no name is as if it were not there.
    Row(nil, nil, "", "names no environment"),
    Row(nil, nil, "Prod", "names no environment"),
    Row("dev", nil, "Prod", "dev request"),
    Row(nil, "dev", "Prod", "dev identity"),
    // A name like that of production is not production.
    Row(nil, nil, "prod-", "prod- cluster"),
    Row(nil, nil, "prod-eu-test", "prod-eu-test cluster"),
  ]

  @Test(arguments: rows)
  func choosesTheEnvironment(_ row: Row) {
    let question = EnvironmentTree.Question(
      requested: row.requested,
      identity: row.identity,
      cluster: row.cluster
    )
    do {
      let choice = try Self.tree.choose(question)
      let mark = choice.isProduction ? "!" : ""
      #expect("\(choice.name)\(mark) \(choice.source.rawValue)" == row.outcome)
    } catch {
      #expect(error.code == .invalidRequest)
      #expect(error.message.contains(row.outcome), "\(error)")
    }
  }

  @Test
  func theTableHasAtLeastSixtyRows() {
    #expect(Self.rows.count >= 60)
  }

  /// Whatever the sources say: production comes from the request or the identity, or not at all.
  @Test
  func productionIsNeverReachedByOmission() {
    let names: [String?] = [nil, "dev", "prod", "prod-eu", "base", "nowhere", "Prod", ""]
    for requested in names {
      for identity in names {
        for cluster in names {
          let question = EnvironmentTree.Question(
            requested: requested,
            identity: identity,
            cluster: cluster
          )
          guard let choice = try? Self.tree.choose(question), choice.isProduction else { continue }
          let name = choice.name.description
          #expect(requested == name || requested == nil && identity == name)
        }
      }
    }
  }

  @Test(arguments: [
    ("base", "base"), ("dev", "dev base"), ("prod", "prod base"), ("prod-eu", "prod-eu prod base"),
    ("prod-us", "prod-us prod base"), ("sandbox", "sandbox"), ("nowhere", ""),
  ])
  func looksInTheEnvironmentAndThenInWhatItInherits(name: String, chain: String) throws {
    let found = Self.tree.chain(try EnvironmentName(name)).map(\.description)
    #expect(found.joined(separator: " ") == chain)
  }

  @Test(arguments: [
    // From production to what is not: who gets the one by omission would get the other.
    (environment("dev", "prod"), "is not production and would inherit"),
    (environment("sandbox", "prod-eu"), "is not production and would inherit"),
    (environment("new", "prod"), "is not production and would inherit"),
    // Also from above: a parent that becomes production under children that are not.
    (environment("base", nil, isProduction: true), "is not production and would inherit"),
    (environment("prod", "base", isProduction: false), ""),
    (environment("prod-eu", "prod", isProduction: false), "is not production and would inherit"),
    // Circles and what is not there.
    (environment("base", "base"), "inherits from itself"),
    (environment("base", "dev"), "inherits from itself"),
    (environment("prod", "prod-eu", isProduction: true), "inherits from itself"),
    (environment("dev", "nowhere"), "is not declared"),
    // What may be.
    (environment("new"), ""), (environment("new", nil, isProduction: true), ""),
    (environment("new", "base"), ""), (environment("new", "prod", isProduction: true), ""),
    (environment("dev", "staging"), ""), (environment("prod-eu", "base", isProduction: true), ""),
  ])
  func takesOnlyTreesThatKeepProductionApart(environment: Environment, refusal: String) {
    do {
      let tree = try Self.tree.putting(environment)
      #expect(refusal.isEmpty)
      #expect(tree[environment.name] == environment)
      for other in tree.environments.values where !other.isProduction {
        for name in tree.chain(other.name) { #expect(tree[name]?.isProduction == false) }
      }
    } catch {
      #expect(!refusal.isEmpty && error.message.contains(refusal), "\(error)")
    }
  }

  @Test
  func boundsTheDepthAndTheNumber() throws {
    var tree = EnvironmentTree()
    tree = try tree.putting(Self.environment("e0"))
    for number in 1..<SecretLimits.inheritanceDepth {
      tree = try tree.putting(Self.environment("e\(number)", "e\(number - 1)"))
    }
    let last = SecretLimits.inheritanceDepth - 1
    #expect(tree.chain(try EnvironmentName("e\(last)")).count == SecretLimits.inheritanceDepth)
    let deeper = Self.environment("deeper", "e\(last)")
    #expect(throws: ServiceError.self) { try tree.putting(deeper) }
    while tree.environments.count < SecretLimits.environments {
      tree = try tree.putting(Self.environment("n\(tree.environments.count)"))
    }
    let full = tree
    #expect(throws: ServiceError.self) { try full.putting(Self.environment("more")) }
  }

  @Test
  func removesOnlyLeaves() throws {
    for name in ["base", "prod"] {
      #expect(throws: ServiceError.self) { try Self.tree.removing(try EnvironmentName(name)) }
    }
    let tree = try Self.tree.removing(try EnvironmentName("prod-eu"))
    #expect(tree.names.map(\.description).contains("prod-eu") == false)
  }
}
