import KeywardModel

/// What a preset makes of the claims of a token.
struct ClaimedIdentity {
  var name: String
  var environment: String?
  var claims: [String: String]
}

extension Preset {
  /// The claims that are taken over, by their name in the token, which is their name for policy.
  var claimNames: [String] {
    switch self {
    case .github:
      [
        "actor", "actor_id", "environment", "event_name", "job_workflow_ref", "ref",
        "ref_protected", "ref_type", "repository", "repository_id", "repository_owner",
        "repository_owner_id", "repository_visibility", "runner_environment", "sub", "workflow_ref",
      ]
    case .gitlab:
      [
        "ci_config_ref_uri", "ci_config_sha", "deployment_tier", "environment",
        "environment_protected", "namespace_id", "namespace_path", "pipeline_source", "project_id",
        "project_path", "ref", "ref_protected", "ref_type", "runner_environment", "sub",
        "user_login",
      ]
    case .azurePipelines:
      [
        "def_id", "org_id", "prj_id", "rpo_id", "rpo_ref", "rpo_uri", "rpo_ver", "run_id", "sub",
      ]
    case .jenkins: ["build_number", "sub"]
    case .kubernetes, .spiffe: []
    case .oidc: ["sub"]
    }
  }

  /// The most claims of a principal.
  static let mostClaims = 16

  /// Checks the claims that a record takes over besides; only issuers whose claims are configured
  /// where they are made have such.
  func extraClaims(_ names: [String]) throws(AuthnError) -> [String] {
    guard !names.isEmpty else { return [] }
    guard self == .oidc || self == .jenkins else {
      throw AuthnError("'claims' is for the presets 'oidc' and 'jenkins' alone.")
    }
    guard names.count + claimNames.count <= Self.mostClaims else {
      throw AuthnError("'claims' has more than \(Self.mostClaims - claimNames.count) members.")
    }
    let registered = ["iss", "aud", "exp", "nbf", "iat", "jti"]
    for (index, name) in names.enumerated() {
      let isName =
        (1...64).contains(name.utf8.count)
        && name.utf8.allSatisfy { byte in
          (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
            || "_-./:".utf8.contains(byte)
        }
      guard isName, !registered.contains(name) else {
        throw AuthnError("'claims' has a member that is not the name of a claim to take over.")
      }
      guard !claimNames.contains(name), !names[..<index].contains(name) else {
        throw AuthnError("'claims' has a member twice, or one of the preset's own.")
      }
    }
    return names
  }

  /// The identity that a token of this kind proves; its signature, time and audience hold already.
  ///
  /// Names are put together from single claims and compared with `sub`, never cut out of it: a part of
  /// a text that somebody else can shape is not a field (V02, V04).
  func identity(
    _ claims: JWTClaims,
    _ record: IssuerRecord
  ) throws(JWTRefusal) -> ClaimedIdentity {
    let subject = try claims.text("sub")
    var identity = ClaimedIdentity(name: subject, claims: [:])
    for name in claimNames + record.claims {
      if let text = try Self.plain(claims.object[name], name) { identity.claims[name] = text }
    }
    switch self {
    case .github: try github(claims, subject, &identity)
    case .gitlab: try gitlab(claims, subject, &identity)
    case .azurePipelines: try azure(claims, subject, record)
    case .jenkins, .oidc: break
    case .kubernetes: try kubernetes(claims, subject, &identity)
    case .spiffe: try spiffe(subject, record, &identity)
    }
    guard FieldRules.isPlainText(identity.name, atMost: FieldRules.longestName) else {
      throw .claim("sub")
    }
    return identity
  }

  /// A text as it is, a boolean and a whole number in words; nil for absent, empty and other values.
  ///
  /// A text that cannot be an attribute refuses the token: left out, it would be a condition of a
  /// `forbid` that is not met.
  private static func plain(_ value: JSONValue?, _ name: String) throws(JWTRefusal) -> String? {
    switch value {
    case .string(let text):
      if text.isEmpty { return nil }
      guard FieldRules.isPlainText(text, atMost: 1024) else { throw .claim(name) }
      return text
    case .bool(let flag): return flag ? "true" : "false"
    case .number: return value?.integer.map { String($0) }
    case .object, .array, .null, nil: return nil
    }
  }

  /// The name is `OWNER/REPOSITORY`.
  ///
  /// `sub` begins with it in either of its forms, the older or the one with numeric ids, unless the
  /// organization has composed its own; in those two forms it must agree with the claims.
  private func github(
    _ claims: JWTClaims,
    _ subject: String,
    _ identity: inout ClaimedIdentity
  ) throws(JWTRefusal) {
    let repository = try claims.text("repository")
    let parts = repository.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw .claim("repository")
    }
    guard FieldRules.isSame(try claims.text("repository_owner"), String(parts[0])) else {
      throw .claim("repository_owner")
    }
    guard identity.claims["repository_id"] != nil else { throw .missing("repository_id") }
    guard identity.claims["repository_owner_id"] != nil else {
      throw .missing("repository_owner_id")
    }
    if subject.utf8.starts(with: "repo:".utf8) {
      let owner = identity.claims["repository_owner_id"] ?? ""
      let id = identity.claims["repository_id"] ?? ""
      var forms = [repository]
      for mark in ["-", "@"] { forms.append("\(parts[0])\(mark)\(owner)/\(parts[1])\(mark)\(id)") }
      let agrees = forms.contains { subject.utf8.starts(with: "repo:\($0):".utf8) }
      guard agrees else { throw .claim("sub") }
    }
    identity.name = repository
    identity.environment = identity.claims["environment"]
  }

  /// The name is the path of the project.
  ///
  /// Whoever can change a pipeline's file can name any environment, so only a protected one becomes
  /// the attribute.
  private func gitlab(
    _ claims: JWTClaims,
    _ subject: String,
    _ identity: inout ClaimedIdentity
  ) throws(JWTRefusal) {
    let project = try claims.text("project_path")
    guard identity.claims["project_id"] != nil else { throw .missing("project_id") }
    let prefix = "project_path:"
    if subject.utf8.starts(with: prefix.utf8) {
      let whole = prefix + project
      guard FieldRules.isSame(subject, whole) || subject.utf8.starts(with: "\(whole):".utf8) else {
        throw .claim("sub")
      }
    }
    identity.name = project
    if identity.claims["environment_protected"] == "true" {
      identity.environment = identity.claims["environment"]
    }
  }

  /// The name is `sub`: `p://ORGANIZATION/PROJECT/PIPELINE` or `sc://ORGANIZATION/PROJECT/CONNECTION`.
  private func azure(
    _ claims: JWTClaims,
    _ subject: String,
    _ record: IssuerRecord
  ) throws(JWTRefusal) {
    let forms = ["p://", "sc://"]
    guard let scheme = forms.first(where: { subject.utf8.starts(with: $0.utf8) }) else {
      throw .claim("sub")
    }
    let parts = subject.dropFirst(scheme.utf8.count)
      .split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 3, parts.allSatisfy({ !$0.isEmpty }) else { throw .claim("sub") }
    // The organization of the issuer's URL is the one of the claim.
    if let organization = claims.object["org_id"] {
      guard let text = organization.text,
        let last = record.url.split(separator: "/").last, FieldRules.isSame(String(last), text)
      else { throw .claim("org_id") }
    }
  }

  /// The name is `system:serviceaccount:NAMESPACE:NAME`, made of the claim `kubernetes.io`.
  private func kubernetes(
    _ claims: JWTClaims,
    _ subject: String,
    _ identity: inout ClaimedIdentity
  ) throws(JWTRefusal) {
    guard case .object(let bound) = claims.object["kubernetes.io"] else {
      throw .missing("kubernetes.io")
    }
    guard let namespace = bound["namespace"]?.text, Self.isObjectName(namespace),
      case .object(let account) = bound["serviceaccount"],
      let name = account["name"]?.text, Self.isObjectName(name),
      FieldRules.isSame(subject, "system:serviceaccount:\(namespace):\(name)")
    else { throw .claim("sub") }
    identity.claims["sub"] = subject
    identity.claims["namespace"] = namespace
    identity.claims["serviceaccount"] = name
    identity.claims["serviceaccount_uid"] = try Self.plain(account["uid"], "kubernetes.io")
    for kind in ["pod", "node"] {
      guard case .object(let object) = bound[kind] else { continue }
      identity.claims[kind] = try Self.plain(object["name"], "kubernetes.io")
      identity.claims[kind + "_uid"] = try Self.plain(object["uid"], "kubernetes.io")
    }
  }

  /// Whether a text can be the name of a namespace or service account (RFC 1123 subdomain).
  private static func isObjectName(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (97...122).contains(byte) || (48...57).contains(byte) || byte == 45 || byte == 46
      }
  }

  /// The name is the SPIFFE ID, which must be in the trust domain of the record.
  private func spiffe(
    _ subject: String,
    _ record: IssuerRecord,
    _ identity: inout ClaimedIdentity
  ) throws(JWTRefusal) {
    guard let id = SPIFFEID(subject), id.trustDomain == record.trustDomain else {
      throw .claim("sub")
    }
    identity.claims["trust_domain"] = id.trustDomain
  }
}
