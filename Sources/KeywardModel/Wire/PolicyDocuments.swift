/// One file of policy as its author wrote it: YAML documents.
package struct PolicyFile: Hashable, Sendable, Codable {
  /// For the places in error messages; at most 255 bytes.
  package var name: String
  package var text: String

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case text
  }

  package init(name: String, text: String) {
    self.name = name
    self.text = text
  }

  package init(from decoder: any Decoder) throws {
    try decoder.refuseFields(except: CodingKeys.allCases.map(\.rawValue))
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    name = try fields.decode(String.self, forKey: .name)
    text = try fields.decode(String.self, forKey: .text)
  }
}

/// The body of `POST /api/v1/policy:apply`.
package struct PolicyApplyRequest: Hashable, WireRequest {
  package var files: [PolicyFile]
  /// True to delete every document that is not in the files.
  package var prune: Bool?
  /// True to plan and change nothing.
  package var dryRun: Bool?
  /// The revision that the author looked at; another one by now refuses the request.
  package var expectedRevision: UInt64?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case files
    case prune
    case dryRun = "dry_run"
    case expectedRevision = "expected_revision"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    files: [PolicyFile],
    prune: Bool? = nil,
    dryRun: Bool? = nil,
    expectedRevision: UInt64? = nil
  ) {
    self.files = files
    self.prune = prune
    self.dryRun = dryRun
    self.expectedRevision = expectedRevision
  }
}

/// What applying files does, or would do.
package struct PolicyPlan: Hashable, Sendable, Codable {
  package struct Change: Hashable, Sendable, Codable {
    /// `create`, `change` or `delete`.
    package let action: String
    package let kind: String
    package let name: String

    package init(action: String, kind: String, name: String) {
      self.action = action
      self.kind = kind
      self.name = name
    }
  }

  /// Access that somebody gains or loses, with one request that shows it.
  package struct Access: Hashable, Sendable, Codable {
    package let summary: String
    package let example: String

    package init(summary: String, example: String) {
      self.summary = summary
      self.example = example
    }
  }

  /// The revision that the plan is made from; 0 is the policy without documents.
  package let base: UInt64
  /// The revision that it made; null when nothing was changed.
  package let revision: UInt64?
  package let changes: [Change]
  package let gained: [Access]
  package let lost: [Access]
  /// False when the access that changes could not be computed within the bound.
  package let isExact: Bool
  package let warnings: [String]

  enum CodingKeys: String, CodingKey {
    case base
    case revision
    case changes
    case gained
    case lost
    case isExact = "exact"
    case warnings
  }

  package init(
    base: UInt64,
    revision: UInt64?,
    changes: [Change],
    gained: [Access],
    lost: [Access],
    isExact: Bool,
    warnings: [String]
  ) {
    self.base = base
    self.revision = revision
    self.changes = changes
    self.gained = gained
    self.lost = lost
    self.isExact = isExact
    self.warnings = warnings
  }
}

/// A revision of the policy, without its documents.
package struct PolicyRevisionInfo: Hashable, Sendable, Codable {
  package let revision: UInt64
  /// Null for revision 0, which is there without anybody.
  package let createdAt: String?
  package let author: String?
  package let documents: Int

  enum CodingKeys: String, CodingKey {
    case revision
    case createdAt = "created_at"
    case author
    case documents
  }

  package init(revision: UInt64, createdAt: String?, author: String?, documents: Int) {
    self.revision = revision
    self.createdAt = createdAt
    self.author = author
    self.documents = documents
  }
}

/// The revisions that are kept, newest first.
package struct PolicyRevisionList: Hashable, Sendable, Codable {
  package let revisions: [PolicyRevisionInfo]

  package init(revisions: [PolicyRevisionInfo]) {
    self.revisions = revisions
  }
}

/// A revision of the policy with its documents in canonical YAML.
package struct PolicyText: Hashable, Sendable, Codable {
  package struct Document: Hashable, Sendable, Codable {
    package let kind: String
    package let name: String
    package let text: String

    package init(kind: String, name: String, text: String) {
      self.kind = kind
      self.name = name
      self.text = text
    }
  }

  package let revision: PolicyRevisionInfo
  package let documents: [Document]
  /// The users whose processes are officers on the admin socket.
  package let officerUIDs: [UInt32]

  enum CodingKeys: String, CodingKey {
    case revision
    case documents
    case officerUIDs = "officer_uids"
  }

  package init(
    revision: PolicyRevisionInfo,
    documents: [Document],
    officerUIDs: [UInt32]
  ) {
    self.revision = revision
    self.documents = documents
    self.officerUIDs = officerUIDs
  }

  /// All documents as one YAML stream.
  package var stream: String {
    documents.map(\.text).joined(separator: "---\n")
  }
}

/// The body of `POST /api/v1/policy:can-i` and `:explain`.
package struct DecisionRequest: Hashable, WireRequest {
  /// A principal to ask about; without one it is the caller.
  package struct Subject: Hashable, Sendable, Codable {
    package var kind: String?
    package var issuer: String
    package var name: String
    package var cluster: String?
    package var environment: String?
    package var claims: [String: String]?

    enum CodingKeys: String, CodingKey, CaseIterable {
      case kind
      case issuer
      case name
      case cluster
      case environment
      case claims
    }

    package init(
      kind: String? = nil,
      issuer: String,
      name: String,
      cluster: String? = nil,
      environment: String? = nil,
      claims: [String: String]? = nil
    ) {
      self.kind = kind
      self.issuer = issuer
      self.name = name
      self.cluster = cluster
      self.environment = environment
      self.claims = claims
    }

    package init(from decoder: any Decoder) throws {
      try decoder.refuseFields(except: CodingKeys.allCases.map(\.rawValue))
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      kind = try fields.decodeIfPresent(String.self, forKey: .kind)
      issuer = try fields.decode(String.self, forKey: .issuer)
      name = try fields.decode(String.self, forKey: .name)
      cluster = try fields.decodeIfPresent(String.self, forKey: .cluster)
      environment = try fields.decodeIfPresent(String.self, forKey: .environment)
      claims = try fields.decodeIfPresent([String: String].self, forKey: .claims)
    }
  }

  package var operation: String
  /// A path of segments, such as `keys/etcd/prod-eu`.
  package var resource: String
  package var principal: Subject?
  /// The address that the request would come from; without one, the caller's own.
  package var source: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case operation
    case resource
    case principal
    case source
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    operation: String,
    resource: String,
    principal: Subject? = nil,
    source: String? = nil
  ) {
    self.operation = operation
    self.resource = resource
    self.principal = principal
    self.source = source
  }

  /// The question in its plain form: texts alone, about the caller; nil for any other.
  ///
  /// Pipelines and admission controllers ask it before each of their steps, and a general decoder takes
  /// longer than the decision.
  package init?(plain object: JSONObject) {
    guard let operation = object["operation"]?.text, let resource = object["resource"]?.text else {
      return nil
    }
    let source = object["source"]?.text
    guard object.count == (source == nil ? 2 : 3) else { return nil }
    self.init(operation: operation, resource: resource, source: source)
  }
}

/// What the policy says to one question.
package struct DecisionAnswer: Hashable, Sendable, Codable {
  package let allowed: Bool
  /// What decided, as the audit log spells it.
  package let rule: String
  /// The approvals that are needed besides, by approval rule.
  package let approvals: [String]
  /// The resource of a secret that the one asked about inherits, of which was asked too; of nobody who
  /// is refused before.
  package let inheritedFrom: String?
  /// Line by line, why; empty in the answer of `can-i`.
  package let explanation: [String]

  enum CodingKeys: String, CodingKey {
    case allowed
    case rule
    case approvals
    case inheritedFrom = "inherited_from"
    case explanation
  }

  package init(
    allowed: Bool,
    rule: String,
    approvals: [String],
    inheritedFrom: String? = nil,
    explanation: [String]
  ) {
    self.allowed = allowed
    self.rule = rule
    self.approvals = approvals
    self.inheritedFrom = inheritedFrom
    self.explanation = explanation
  }

  /// The JSON of it, with sorted names.
  package var json: JSONText {
    .members([
      ("allowed", .bool(allowed)),
      ("approvals", .array(approvals.map { .string($0) })),
      ("explanation", .array(explanation.map { .string($0) })),
      ("inherited_from", inheritedFrom.map { .string($0) }),
      ("rule", .string(rule)),
    ])
  }
}
