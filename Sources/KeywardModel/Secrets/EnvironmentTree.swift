/// All environments, and the two questions about them: which one a caller gets, and where to look.
///
/// A value without I/O; both answers are pure functions.
package struct EnvironmentTree: Hashable, Sendable {
  package private(set) var environments: [EnvironmentName: Environment]

  package init(_ environments: some Sequence<Environment> = []) {
    self.environments = [:]
    for environment in environments { self.environments[environment.name] = environment }
  }

  package subscript(_ name: EnvironmentName) -> Environment? { environments[name] }

  package var names: [EnvironmentName] { environments.keys.sorted() }

  // MARK: - Where to look

  /// The environments in which a value is looked for, in order; empty for one that was not declared.
  package func chain(_ name: EnvironmentName) -> [EnvironmentName] {
    var chain: [EnvironmentName] = []
    var next = environments[name]
    while let environment = next, chain.count < SecretLimits.inheritanceDepth {
      chain.append(environment.name)
      next = environment.parent.flatMap { environments[$0] }
    }
    return chain
  }

  // MARK: - Which one

  /// What a choice goes by.
  package struct Question: Hashable, Sendable {
    /// What the request names: `--env`.
    package var requested: String?
    /// The attribute of the caller's identity.
    package var identity: String?
    /// The environment of the cluster that the caller's identity belongs to.
    package var cluster: String?

    package init(requested: String? = nil, identity: String? = nil, cluster: String? = nil) {
      self.requested = requested
      self.identity = identity
      self.cluster = cluster
    }
  }

  package struct Choice: Hashable, Sendable {
    package let name: EnvironmentName
    package let source: EnvironmentSource
    /// Of an environment that was not declared: false.
    package let isProduction: Bool

    package init(name: EnvironmentName, source: EnvironmentSource, isProduction: Bool) {
      self.name = name
      self.source = source
      self.isProduction = isProduction
    }
  }

  /// The environment that a caller gets; whether it may read there is policy's to say.
  ///
  /// What the request names comes first, then the identity's own attribute, then its cluster's
  /// environment. A source that is there counts: one that is wrong is an error, and the next is not
  /// asked. Production is never a default: it is taken only from the request or from the identity
  /// itself.
  package func choose(_ question: Question) throws(ServiceError) -> Choice {
    if let text = question.requested {
      let name: EnvironmentName
      do { name = try EnvironmentName(text) } catch {
        throw ServiceError(
          .invalidRequest,
          "The name of the environment is not one: \(error.sentence).",
          remedy: "List environments with: keyward environment list."
        )
      }
      return choice(name, .request)
    }
    if let text = question.identity {
      guard let name = try? EnvironmentName(text) else {
        throw ServiceError(
          .invalidRequest,
          "The environment of the caller's identity is no name of an environment.",
          remedy: "Correct the registration or the claim it is mapped from, or give --env."
        )
      }
      return choice(name, .identity)
    }
    if let text = question.cluster, let name = try? EnvironmentName(text) {
      let found = choice(name, .cluster)
      guard !found.isProduction else {
        throw ServiceError(
          .invalidRequest,
          "The environment of the caller's cluster is production, which is never a default.",
          remedy: "Give --env \(name), or register the environment with the identity itself."
        )
      }
      return found
    }
    throw ServiceError(
      .invalidRequest,
      "The request names no environment, and the caller's identity has none.",
      remedy: "Give --env NAME (or KEYWARD_ENV), or register an environment with the identity."
    )
  }

  private func choice(_ name: EnvironmentName, _ source: EnvironmentSource) -> Choice {
    Choice(name: name, source: source, isProduction: environments[name]?.isProduction ?? false)
  }

  // MARK: - Changes

  /// The tree with `environment` in it, or what is wrong with that.
  package func putting(_ environment: Environment) throws(ServiceError) -> EnvironmentTree {
    var tree = self
    tree.environments[environment.name] = environment
    guard tree.environments.count <= SecretLimits.environments else {
      throw ServiceError(
        .limitExceeded,
        "There are \(SecretLimits.environments) environments, and no more can be declared."
      )
    }
    if let parent = environment.parent, environments[parent] == nil {
      throw ServiceError(
        .invalidRequest,
        "The environment '\(parent)' to inherit from is not declared.",
        remedy: "Declare it first with: keyward environment put \(parent)."
      )
    }
    for other in tree.environments.values {
      try tree.check(other)
    }
    return tree
  }

  /// The tree without an environment that nobody inherits from.
  package func removing(_ name: EnvironmentName) throws(ServiceError) -> EnvironmentTree {
    if let child = environments.values.first(where: { $0.parent == name }) {
      throw ServiceError(
        .conflict,
        "The environment '\(child.name)' inherits from '\(name)'.",
        remedy: "Change or delete '\(child.name)' first."
      )
    }
    var tree = self
    tree.environments[name] = nil
    return tree
  }

  private func check(_ environment: Environment) throws(ServiceError) {
    var seen: Set<EnvironmentName> = []
    var next: Environment? = environment
    while let current = next {
      guard seen.insert(current.name).inserted else {
        throw ServiceError(
          .invalidRequest,
          "The environment '\(current.name)' inherits from itself."
        )
      }
      guard seen.count <= SecretLimits.inheritanceDepth else {
        throw ServiceError(
          .invalidRequest,
          "More than \(SecretLimits.inheritanceDepth) environments inherit from one another."
        )
      }
      // Else who gets the one by omission gets the values of the other.
      if let parent = current.parent.flatMap({ environments[$0] }), parent.isProduction,
        !current.isProduction
      {
        throw ServiceError(
          .invalidRequest,
          "The environment '\(current.name)' is not production and would inherit from "
            + "'\(parent.name)', which is.",
          remedy: "Declare '\(current.name)' as production too, or let it inherit from another."
        )
      }
      next = current.parent.flatMap { environments[$0] }
    }
  }
}
