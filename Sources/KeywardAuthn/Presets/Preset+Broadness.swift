extension Preset {
  /// Judges a binding of an issuer of this preset.
  ///
  /// Hosted issuers sign for everybody in the world: a binding that names no repository, project or
  /// account lets strangers in.
  package func broadness(of scope: BindingScope) -> Broadness {
    switch self {
    case .github: github(scope)
    case .gitlab: gitlab(scope)
    case .azurePipelines: azure(scope)
    case .jenkins: jenkins(scope)
    case .kubernetes: kubernetes(scope)
    case .spiffe: spiffe(scope)
    case .oidc: oidc(scope)
    }
  }

  private func github(_ scope: BindingScope) -> Broadness {
    if let name = scope.name, name != "*", name != "**" {
      let parts = segments(name)
      if name.utf8.starts(with: "repo:".utf8) {
        return .neverMatches(
          "The name is OWNER/REPOSITORY; for the text of 'sub' use a condition on claim:sub."
        )
      }
      if parts.last != "**", parts.count != 2 {
        return .neverMatches("The name has the form OWNER/REPOSITORY.")
      }
    }
    let isLiteral = scope.isLiteral
    guard
      isLiteral
        || scope.names("claim:repository_id", "claim:repository", "claim:workflow_ref", "claim:sub")
    else {
      return .tooBroad(
        "The binding names no repository: give 'name: OWNER/REPOSITORY', or a condition on claim:repository_id."
      )
    }
    guard scope.names("claim:repository_id", "claim:repository_owner_id") else {
      return .advice(
        "A name that is given up can be taken by another account: add a condition on claim:repository_id or claim:repository_owner_id."
      )
    }
    return .narrow
  }

  private func gitlab(_ scope: BindingScope) -> Broadness {
    if let name = scope.name, name.utf8.starts(with: "project_path:".utf8) {
      return .neverMatches(
        "The name is the path of the project; for the text of 'sub' use a condition on claim:sub."
      )
    }
    guard
      scope.isLiteral || scope.names("claim:project_id", "claim:project_path", "claim:sub")
    else {
      return .tooBroad(
        "The binding names no project: give 'name: GROUP/PROJECT', or a condition on claim:project_id."
      )
    }
    guard scope.names("claim:project_id") else {
      return .advice(
        "A project can be moved and its path taken by another: add a condition on claim:project_id."
      )
    }
    return .narrow
  }

  private func azure(_ scope: BindingScope) -> Broadness {
    if let name = scope.name, name != "*", name != "**" {
      guard name.utf8.starts(with: "p://".utf8) || name.utf8.starts(with: "sc://".utf8) else {
        return .neverMatches(
          "The name has the form p://ORGANIZATION/PROJECT/PIPELINE or sc://ORGANIZATION/PROJECT/CONNECTION."
        )
      }
      // "p:", "", organization, project, and the pipeline or a wildcard.
      let parts = segments(name)
      if parts.count >= 5, parts[..<4].allSatisfy({ !isWildcard($0) }) { return .narrow }
    }
    guard scope.names("claim:def_id", "claim:prj_id", "claim:sub") else {
      return .tooBroad(
        "The binding names no project: give 'name: p://ORGANIZATION/PROJECT/PIPELINE', or a condition on claim:prj_id."
      )
    }
    return .narrow
  }

  private func jenkins(_ scope: BindingScope) -> Broadness {
    if scope.isLiteral || scope.names("claim:sub", "name") { return .narrow }
    if let name = scope.name {
      let parts = segments(name)
      let literal = parts.prefix { !isWildcard($0) }
      if let job = literal.firstIndex(of: "job"), job + 1 < literal.count { return .narrow }
    }
    return .tooBroad(
      "The binding names no job: give 'name: https://JENKINS/job/NAME/', wildcards only below a job."
    )
  }

  private func kubernetes(_ scope: BindingScope) -> Broadness {
    if scope.isLiteral {
      guard let name = scope.name, name.utf8.starts(with: "system:serviceaccount:".utf8) else {
        return .neverMatches("The name has the form system:serviceaccount:NAMESPACE:NAME.")
      }
      return .narrow
    }
    guard scope.names("claim:namespace", "claim:sub", "name") else {
      return .tooBroad(
        "The binding names no namespace: give 'name: system:serviceaccount:NAMESPACE:NAME', or a condition on claim:namespace."
      )
    }
    return .narrow
  }

  private func spiffe(_ scope: BindingScope) -> Broadness {
    if scope.names("name") { return .narrow }
    guard let name = scope.name, name != "*", name != "**" else {
      return .tooBroad("The binding names no workload: give 'name: spiffe://TRUST-DOMAIN/PATH'.")
    }
    guard name.utf8.starts(with: "spiffe://".utf8) else {
      return .neverMatches("The name has the form spiffe://TRUST-DOMAIN/PATH.")
    }
    // "spiffe:", "", trust domain, and at least one segment that is not a wildcard.
    let parts = segments(name)
    guard parts.count >= 4, !isWildcard(parts[2]), !isWildcard(parts[3]) else {
      return .tooBroad(
        "The binding takes a whole trust domain: name at least the first segment of the path."
      )
    }
    return .narrow
  }

  private func oidc(_ scope: BindingScope) -> Broadness {
    let hasClaim = scope.allowed.contains { attribute, values in
      attribute.utf8.starts(with: "claim:".utf8) && !values.isEmpty
    }
    guard scope.isLiteral || hasClaim || scope.names("name") else {
      return .tooBroad(
        "The binding takes every subject of the issuer: give a 'name', or a condition on a claim."
      )
    }
    return .narrow
  }

  private func segments(_ name: String) -> [String] {
    name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  private func isWildcard(_ segment: String) -> Bool { segment == "*" || segment == "**" }
}

extension BindingScope {
  /// Whether the name is one name.
  fileprivate var isLiteral: Bool {
    guard let name else { return false }
    return !name.split(separator: "/", omittingEmptySubsequences: false).contains { segment in
      segment == "*" || segment == "**"
    }
  }

  /// Whether a condition leaves only listed values of one of these attributes.
  fileprivate func names(_ attributes: String...) -> Bool {
    attributes.contains { allowed[$0]?.isEmpty == false }
  }
}
